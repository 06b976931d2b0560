import FleetModel
import Wire

/// A declared `ptp`: the only discipline of the system clock, and the clock's maximum offset.
package struct PTPDeclaration: ResourceDeclaration {
    package enum Discipline: String, Sendable, CaseIterable {
        case chrony, linuxptp, sfptpd
    }

    package static let schema = KindSchema(
        .ptp, "The only discipline of the system clock: its daemons run and no others.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: []),
        nameType: SystemName.type, nameSummary: SystemName.summary,
        states: [],
        attributes: [
            AttributeSchema(
                "discipline", .oneOf(Discipline.allCases.map(\.rawValue)), required: true,
                "What steers the clock: chrony with NTP, or linuxptp (ptp4l and phc2sys) or"
                    + " sfptpd with PTP."
            ),
            AttributeSchema(
                "interface", .string,
                "For linuxptp: the units are ptp4l@INTERFACE and phc2sys@INTERFACE, as in Debian."
            ),
            AttributeSchema(
                "units", .list(.string),
                "The units that must run, in start order. Default: chrony (chronyd on Red Hat),"
                    + " sfptpd, or "
                    + "ptp4l and phc2sys."),
            AttributeSchema(
                "allowed", .list(.string), default: [],
                "Units of other disciplines that may also run, because they do not steer the"
                    + " system clock: "
                    + "a chronyd that only serves time (-x), a ptp4l that steers a NIC's clock"
                    + " for chrony."),
            AttributeSchema(
                "version", .version,
                "The version that the daemon reports: `chronyd --version`, `ptp4l -v`, `sfptpd"
                    + " --version`."
            ),
            AttributeSchema(
                "offset", .duration,
                "The maximum offset of the system clock from its source, as the discipline"
                    + " reports it: 10us."
            ),
        ],
        notes: [
            "The units of the discipline are enabled and running. All other units of chronyd,"
                + " ntpd (from "
                + "ntp, ntpsec and openntpd), systemd-timesyncd, ptp4l, phc2sys, timemaster, ptpd"
                + " and "
                + "sfptpd are stopped and disabled, except the allowed ones. A daemon with one of"
                + " these "
                + "names that none of these units has started is a finding.",
            "A daemon is restarted if its program was replaced on disk after it was started, or"
                + " if a running "
                + "sfptpd has another version than its program. A daemon that was started before"
                + " its "
                + "configuration was last written is a finding: let a handler of that file"
                + " restart it.",
            "offset is only checked, never corrected: a larger or unknown offset is a finding."
                + " chronyd is "
                + "asked on its command port (127.0.0.1:323; `cmdport 0` closes it). For"
                + " linuxptp, the last "
                + "offsets that ptp4l and phc2sys have logged within three minutes are read from"
                + " the journal "
                + "and added. For sfptpd, the state files in /var/lib/sfptpd are read, if they"
                + " are at most "
                + "three minutes old.",
            "Stopping and restarting count as `service_restart`. In a container ptp is not"
                + " applicable, "
                + "because the clock belongs to the host outside.",
            "Sources: chrony.conf(5), ptp4l(8), phc2sys(8), sfptpd(8).",
        ],
        example: """
            - ptp: system
              discipline: linuxptp
              interface: ens1f0
              offset: 1us
            """)

    static let claimed = "the discipline of the system clock"

    /// The units that steer the system clock, by discipline; `*` matches any instance.
    private static let steering: [(discipline: Discipline?, units: [String])] = [
        (.chrony, ["chrony.service", "chronyd.service"]),
        (
            .linuxptp,
            ["ptp4l.service", "phc2sys.service", "ptp4l@*.service", "phc2sys@*.service"]
        ),
        (.sfptpd, ["sfptpd.service"]),
        (
            nil,
            [
                "systemd-timesyncd.service", "ntp.service", "ntpd.service", "ntpsec.service",
                "openntpd.service", "timemaster.service", "ptpd.service", "ptpd2.service",
            ]
        ),
    ]
    /// All units that steer the system clock; `*` matches any instance.
    package static var steeringUnits: [String] { steering.flatMap(\.units) }

    package let discipline: Discipline
    /// The full names of the units that must run; for chrony without `units`, both its names.
    package let units: [String]
    package let allowed: [String]
    package let version: String?
    /// The maximum offset in nanoseconds.
    package let offset: Double?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try SystemName.check(name, .ptp)
        let reader = AttributeReader(attributes)
        guard let discipline = Discipline(rawValue: try reader.string("discipline")) else {
            throw AttributeFault("discipline", "the discipline is not known")
        }
        self.discipline = discipline
        let interface = try reader.optionalString("interface")
        let declared = try reader.optionalStrings("units")
        if interface != nil, discipline != .linuxptp {
            throw AttributeFault(
                "interface", "\(discipline.rawValue) takes its interfaces from its configuration",
                hint: "remove interface: it is only for the units of linuxptp")
        }
        if interface != nil, declared != nil {
            throw AttributeFault(
                "units", "interface already determines the units",
                hint: "give either interface or units")
        }
        let allowed = try Self.checked(reader.optionalStrings("allowed") ?? [], "allowed")
        if let declared {
            if declared.isEmpty {
                throw AttributeFault(
                    "units", "units is empty", hint: "write units: [chrony], or leave it out")
            }
            units = try Self.checked(declared, "units")
        } else if let interface {
            guard !interface.isEmpty, interface.utf8.allSatisfy({ $0 > 32 && $0 != 47 }) else {
                throw AttributeFault("interface", "\"\(interface)\" is not an interface name")
            }
            units = ["ptp4l@\(interface).service", "phc2sys@\(interface).service"]
        } else {
            units =
                switch discipline {
                case .chrony: ["chrony.service", "chronyd.service"]
                case .linuxptp: ["ptp4l.service", "phc2sys.service"]
                case .sfptpd: ["sfptpd.service"]
                }
        }
        self.allowed = allowed
        if let both = units.first(where: { allowed.contains($0) }) {
            throw AttributeFault("allowed", "\(both) is in units already", hint: "remove it here")
        }
        version = try reader.optionalString("version")
        offset = try Self.nanoseconds(attributes["offset"])
    }

    /// Whether either unit suffices: chrony.service on Debian, chronyd.service on Red Hat.
    package var takesEither: Bool { units == ["chrony.service", "chronyd.service"] }

    private static func checked(
        _ names: [String], _ attribute: String
    ) throws(AttributeFault) -> [String] {
        for name in names {
            do throws(AttributeFault) {
                try UnitName.check(name)
            } catch {
                throw AttributeFault(attribute, error.message, hint: error.hint)
            }
            if UnitName.isTemplate(name) {
                throw AttributeFault(
                    attribute, "\(name) is a template; only instances can run",
                    hint: "name an instance: \(UnitName.stem(name))@ens1f0")
            }
        }
        return names.map(UnitName.full)
    }

    private static func nanoseconds(_ value: JSON?) throws(AttributeFault) -> Double? {
        guard let value, value != .null else { return nil }
        guard let seconds = value.double, seconds > 0 else {
            throw AttributeFault("offset", "offset must be greater than 0", hint: "offset: 10us")
        }
        return (seconds * 1e9).rounded()
    }

    /// The possible paths of the discipline's configuration file.
    package var configurations: [String] {
        switch discipline {
        case .chrony: ["/etc/chrony/chrony.conf", "/etc/chrony.conf"]
        case .linuxptp: ["/etc/linuxptp/ptp4l.conf", "/etc/ptp4l.conf"]
        case .sfptpd: ["/etc/sfptpd.conf"]
        }
    }

    /// Rival units are claimed too, because this resource stops them.
    package var owns: [Claim] {
        let rivals = Self.steeringUnits.filter {
            !$0.contains("*") && !allowed.contains($0) && !units.contains($0)
        }
        return [.knobs(Self.claimed)] + (units + rivals).map { .service($0) }
    }

    /// The units, the package and the configuration, if the same plan declares them.
    package var needs: [Claim] {
        let templates = units.compactMap(UnitName.template)
        return (units + templates).flatMap { [Claim.unit($0), .path("/etc/systemd/system/\($0)")] }
            + configurations.map { .path($0) } + [.package(discipline.rawValue)]
    }
}
