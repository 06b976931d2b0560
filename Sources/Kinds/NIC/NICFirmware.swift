import FleetModel
import Wire

/// A declared `nic_firmware`: the expected firmware of a card, and optionally a file to flash.
package struct NICFirmwareDeclaration: ResourceDeclaration {
    package enum Activation: String, Sendable {
        case reset, reboot
        case powerCycle = "power_cycle"

        /// The disruption until the new firmware runs.
        package var disruption: Disruption {
            switch self {
            case .reset: .linkFlap
            case .reboot: .reboot
            case .powerCycle: .powerCycle
            }
        }
    }

    package static let schema = KindSchema(
        .nicFirmware, "The firmware that a network card is expected to run.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string,
        nameSummary: "The card as `nic` names it: interface, PCI address or permanent MAC.",
        states: [],
        attributes: [
            AttributeSchema(
                "version", .version,
                "The exact version in `ethtool -i`: the first word of firmware-version."),
            AttributeSchema("minimum", .version, "The minimum version."),
            AttributeSchema(
                "variant", .string,
                "The text after the version, on Solarflare cards: rx1 tx1."),
            AttributeSchema(
                "components", .map(.string),
                "Component versions, with names as in `devlink dev info`: {fw.bundle_id:"
                    + " 1.3.2.105}."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "A firmware file of the role, flashed with devlink if the versions stored in the"
                    + " card differ "
                    + "from components. Default: nothing is ever flashed."),
            AttributeSchema(
                "activation", .oneOf(["reset", "reboot", "power_cycle"]), default: "power_cycle",
                "What activates flashed firmware: reset, an immediate reset of the card; reboot;"
                    + " or "
                    + "power_cycle, done by hand."),
            AttributeSchema(
                "may_cut_off", .boolean, default: false,
                "Allows a reset of the card that carries muster's own connection."),
        ],
        notes: [
            "Without source this is only an expectation: if the card runs another firmware, this"
                + " resource "
                + "fails and shows that version. If the driver does not report the firmware, the"
                + " state is "
                + "unknown.",
            "Versions are compared part by part, numbers as numbers. The version in ethtool is"
                + " that of the "
                + "management controller; the version of a bundle is only in devlink's"
                + " fw.bundle_id, where "
                + "0.0.0.0 means none.",
            "With source, the disruption of a difference is given by activation, in the plan and"
                + " for "
                + "--max-disruption. Firmware that is stored but does not run yet is pending;"
                + " apply does "
                + "not reboot for a power_cycle. Vendor tools (sfupdate, amdsfupdate, sfboot) are"
                + " never "
                + "run.",
            "Sources: ethtool(8), devlink-dev(8), kernel, Documentation/networking/devlink/devlink-info.rst, "
                + "UG1739.",
        ],
        example: """
            - nic_firmware: ens1f0
              minimum: "8.1.2.1000"
              variant: rx1 tx1
            """)

    package let name: String
    package let version: String?
    package let minimum: String?
    package let variant: String?
    package let components: [String: String]
    package let image: ResolvedContent?
    package let activation: Activation
    package let mayCutOff: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 47 }) else {
            throw AttributeFault(nil, "\"\(name)\" is not the name of a card")
        }
        self.name = name
        version = try reader.optionalString("version")
        minimum = try reader.optionalString("minimum")
        variant = try reader.optionalString("variant")
        components = (attributes["components"]?.object ?? [:]).compactMapValues(\.string)
        image = try ResolvedContent(reader)
        activation =
            Activation(rawValue: try reader.optionalString("activation") ?? "power_cycle")
            ?? .powerCycle
        mayCutOff = try reader.bool("may_cut_off", default: false)
        for name in components.keys.sorted() where name.isEmpty || name.contains(" ") {
            throw AttributeFault("components", "\"\(name)\" is not a valid devlink component name")
        }
        if version != nil, minimum != nil {
            throw AttributeFault(
                "minimum", "version and minimum are both given", hint: "give one of them")
        }
        if image != nil, components.isEmpty {
            throw AttributeFault(
                "source", "without components it is not known whether to flash the file",
                hint:
                    "components: {fw.bundle_id: …}, as `devlink dev info` shows it after flashing")
        }
        if version == nil, minimum == nil, variant == nil, components.isEmpty {
            throw AttributeFault(
                nil, "nic_firmware \(name) expects nothing",
                hint: "give version, minimum, variant or components")
        }
    }

    package var owns: [Claim] { [.knobs("the firmware of the card \(name)")] }

    /// Compares two versions part by part; negative if `left` is older.
    package static func compare(_ left: String, _ right: String) -> Int {
        func parts(_ text: String) -> [Substring] {
            text.split { !$0.isLetter && !$0.isNumber }
        }
        let left = parts(left)
        let right = parts(right)
        for index in 0..<max(left.count, right.count) {
            let ours = index < left.count ? left[index] : "0"
            let theirs = index < right.count ? right[index] : "0"
            if let a = Int(ours), let b = Int(theirs) {
                if a != b { return a < b ? -1 : 1 }
            } else if ours != theirs {
                return ours < theirs ? -1 : 1
            }
        }
        return 0
    }
}
