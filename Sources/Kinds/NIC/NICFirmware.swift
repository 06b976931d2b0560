import FleetModel
import Wire

/// A declared `nic_firmware`: what firmware a card is expected to run, and the file to flash where one is.
package struct NICFirmwareDeclaration: ResourceDeclaration {
    package enum Activation: String, Sendable {
        case reset, reboot
        case powerCycle = "power_cycle"

        /// What it costs until the new firmware runs.
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
                "Exactly this, as `ethtool -i` has it: the first word of firmware-version."),
            AttributeSchema("minimum", .version, "This or a later one."),
            AttributeSchema(
                "variant", .string,
                "What follows the version, as Solarflare's cards tell it: rx1 tx1."),
            AttributeSchema(
                "components", .map(.string),
                "Versions by their names in `devlink dev info`: {fw.bundle_id: 1.3.2.105}."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "A firmware file of the role, flashed by devlink where what the card has stored differs from "
                    + "components. Not given: nothing is ever flashed."),
            AttributeSchema(
                "activation", .oneOf(["reset", "reboot", "power_cycle"]), default: "power_cycle",
                "What makes flashed firmware run: a reset of the card, here and now; a reboot; or taking the "
                    + "power away, by hand."),
            AttributeSchema(
                "may_cut_off", .boolean, default: false,
                "Lets a reset be made on the card that muster comes in by."),
        ],
        notes: [
            "An expectation: a card that runs another firmware fails this resource alone, with what it runs. "
                + "One whose driver does not say is unknown, never right.",
            "Versions are compared part by part, numbers as numbers. The version that ethtool has is the "
                + "management controller's; a bundle's is only in devlink's fw.bundle_id, where 0.0.0.0 "
                + "means that there is none.",
            "With source, the difference costs what activation says, in the plan and for --max-disruption. "
                + "What is stored and does not run yet is pending, and no warm reboot is made for a "
                + "power_cycle. Vendors' own tools (sfupdate, amdsfupdate, sfboot) are not run from here.",
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
            throw AttributeFault("components", "\"\(name)\" is not a name that devlink has")
        }
        if version != nil, minimum != nil {
            throw AttributeFault(
                "minimum", "version says it exactly already", hint: "give one of them")
        }
        if image != nil, components.isEmpty {
            throw AttributeFault(
                "source", "whether to flash it cannot be told without components",
                hint:
                    "components: {fw.bundle_id: …}, as `devlink dev info` has it once it is stored")
        }
        if version == nil, minimum == nil, variant == nil, components.isEmpty {
            throw AttributeFault(
                nil, "nic_firmware \(name) expects nothing",
                hint: "give version, minimum, variant or components")
        }
    }

    package var owns: [Claim] { [.knobs("the firmware of the card \(name)")] }

    /// A version by its parts; negative where `left` is older.
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
