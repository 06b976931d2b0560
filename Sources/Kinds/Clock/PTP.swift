import FleetModel
import Wire

/// A declared `ptp`: the one discipline of the system clock, and how far off the clock may be.
package struct PTPDeclaration: ResourceDeclaration {
    package enum Discipline: String, Sendable, CaseIterable {
        case chrony, linuxptp, sfptpd
    }

    package static let schema = KindSchema(
        .ptp, "The one discipline of the system clock: its daemons run, no other does.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .exact, remains: .listed, rivals: []),
        nameType: SystemName.type, nameSummary: SystemName.summary,
        states: [],
        attributes: [
            AttributeSchema(
                "discipline", .oneOf(Discipline.allCases.map(\.rawValue)), required: true,
                "What steers the clock: chrony over NTP, linuxptp (ptp4l and phc2sys) or sfptpd over PTP."
            ),
            AttributeSchema(
                "interface", .string,
                "For linuxptp: its units are ptp4l@INTERFACE and phc2sys@INTERFACE, as Debian has them."
            ),
            AttributeSchema(
                "units", .list(.string),
                "The units that are to run, in the order they start. Not given: chrony (on Red Hat chronyd), "
                    + "sfptpd, or ptp4l and phc2sys."),
            AttributeSchema(
                "allowed", .list(.string), default: [],
                "Units of other disciplines that may run beside it, since they leave the clock alone: a chronyd "
                    + "that only serves (-x), a ptp4l that steers a card's clock for chrony."),
            AttributeSchema(
                "version", .version,
                "What its daemon's program says of itself: `chronyd --version`, `ptp4l -v`, `sfptpd --version`."
            ),
            AttributeSchema(
                "offset", .duration,
                "How far the system clock may be off from its source, as the discipline itself has it: 10us."
            ),
        ],
        notes: [
            "Its units run and are enabled. chronyd, ntpd (of ntp, ntpsec and openntpd), systemd-timesyncd, "
                + "ptp4l, phc2sys, timemaster, ptpd and sfptpd are stopped and disabled, but for its own and "
                + "the allowed ones. A daemon of that name which no such unit has started is a finding.",
            "A daemon whose program was exchanged on disk since it was started is restarted; so is an sfptpd "
                + "that is of another version than its program. One that was started before its "
                + "configuration was last written is a finding: a handler of that file restarts it.",
            "offset is a check, never a change: a clock outside of it, or one of which it is not known, is a "
                + "finding. chronyd is asked on its command port (323 of 127.0.0.1; `cmdport 0` turns it off); "
                + "ptp4l's and phc2sys's last lines of three minutes are read in the journal and added up; of "
                + "sfptpd the state files in /var/lib/sfptpd, no older than that.",
            "Stopping and restarting count as `service_restart`. In a container, whose clock is its "
                + "host's, it is not applicable.",
            "Sources: chrony.conf(5), ptp4l(8), phc2sys(8), sfptpd(8).",
        ],
        example: """
            - ptp: system
              discipline: linuxptp
              interface: ens1f0
              offset: 1us
            """)

    static let claimed = "the discipline of the system clock"

    /// Units that steer the clock, by discipline; `*` stands for an instance.
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
    /// All units that steer the clock; `*` stands for an instance.
    package static var steeringUnits: [String] { steering.flatMap(\.units) }

    package let discipline: Discipline
    /// The units that are to run, with their types; of chrony without `units`, either name.
    package let units: [String]
    package let allowed: [String]
    package let version: String?
    /// Nanoseconds.
    package let offset: Double?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try SystemName.check(name, .ptp)
        let reader = AttributeReader(attributes)
        guard let discipline = Discipline(rawValue: try reader.string("discipline")) else {
            throw AttributeFault("discipline", "that is not a discipline")
        }
        self.discipline = discipline
        let interface = try reader.optionalString("interface")
        let declared = try reader.optionalStrings("units")
        if interface != nil, discipline != .linuxptp {
            throw AttributeFault(
                "interface", "\(discipline.rawValue) has its interfaces in its configuration",
                hint: "interface names the units of linuxptp; leave it out")
        }
        if interface != nil, declared != nil {
            throw AttributeFault(
                "units", "interface says which units they are already", hint: "give one of them")
        }
        let allowed = try Self.checked(reader.optionalStrings("allowed") ?? [], "allowed")
        if let declared {
            if declared.isEmpty {
                throw AttributeFault("units", "no unit is to run", hint: "units: [chrony]")
            }
            units = try Self.checked(declared, "units")
        } else if let interface {
            guard !interface.isEmpty, interface.utf8.allSatisfy({ $0 > 32 && $0 != 47 }) else {
                throw AttributeFault("interface", "\"\(interface)\" is not an interface")
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
            throw AttributeFault("allowed", "\(both) is to run anyhow", hint: "leave it out there")
        }
        version = try reader.optionalString("version")
        offset = try Self.nanoseconds(attributes["offset"])
    }

    /// Whether any of its units will do: Debian's chrony.service is Red Hat's chronyd.service.
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
                    attribute, "\(name) is a template, and only its instances run",
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

    /// Files of its configuration, whichever is there.
    package var configurations: [String] {
        switch discipline {
        case .chrony: ["/etc/chrony/chrony.conf", "/etc/chrony.conf"]
        case .linuxptp: ["/etc/linuxptp/ptp4l.conf", "/etc/ptp4l.conf"]
        case .sfptpd: ["/etc/sfptpd.conf"]
        }
    }

    /// Rivals are its own too: it stops them.
    package var owns: [Claim] {
        let rivals = Self.steeringUnits.filter {
            !$0.contains("*") && !allowed.contains($0) && !units.contains($0)
        }
        return [.knobs(Self.claimed)] + (units + rivals).map { .service($0) }
    }

    /// Units, packages and configuration, as far as the same plan brings them.
    package var needs: [Claim] {
        let templates = units.compactMap(UnitName.template)
        return (units + templates).flatMap { [Claim.unit($0), .path("/etc/systemd/system/\($0)")] }
            + configurations.map { .path($0) } + [.package(discipline.rawValue)]
    }
}
