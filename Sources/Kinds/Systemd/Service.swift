import FleetModel
import Wire

/// A declared `service`: whether a unit runs now, starts at boot, may start at all.
package struct ServiceDeclaration: ResourceDeclaration {
    package enum State: String, Sendable {
        /// Runs or not: not ours.
        case unmanaged
        case started, stopped
    }

    package static let schema = KindSchema(
        .service, "Whether a systemd unit runs now, starts at boot, and may be started at all.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .unitName, remains: .listed, rivals: [],
            handler: .unitAction),
        nameType: .string,
        nameSummary:
            "The unit; without a type it is a `.service`. Aliases and instances may be named.",
        states: ["unmanaged", "started", "stopped"],
        attributes: [
            AttributeSchema(
                "enabled", .boolean,
                "Whether it starts at boot, by its [Install] section. Not given: left as it is."),
            AttributeSchema(
                "masked", .boolean,
                "Whether it is linked to /dev/null, so that nothing can start it. Not given: left as it is."
            ),
        ],
        notes: [
            "`state` is the running value, `enabled` and `masked` are the persisted ones. A unit whose"
                + " file is newer than what systemd has loaded is a difference of its own, mended by a"
                + " daemon-reload.",
            "A unit that does not exist is stopped and not enabled; anything else of it is a failure."
                + " A unit whose conditions are unmet on the host is not applicable there.",
            "A static, indirect or generated unit cannot be enabled, and a oneshot that does not remain"
                + " after exit never counts as started: both are said, not tried.",
            "Starting costs nothing that runs; stopping counts as `service_restart`.",
        ],
        example: """
            - service: irqbalance
              state: stopped
              enabled: false
            """)

    /// As declared: `irqbalance`.
    package let name: String
    /// The full name: `irqbalance.service`.
    package let unit: String
    package let state: State
    package let enabled: Bool?
    package let masked: Bool?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try UnitName.check(name)
        let reader = AttributeReader(attributes)
        self.name = name
        unit = UnitName.full(name)
        state = State(rawValue: try reader.state(of: Self.schema)) ?? .unmanaged
        enabled = try reader.optionalBool("enabled")
        masked = try reader.optionalBool("masked")
        if state == .unmanaged, enabled == nil, masked == nil {
            throw AttributeFault(
                nil, "service \(name) declares nothing", hint: "give state, enabled or masked")
        }
        if masked == true, state == .started {
            throw AttributeFault("masked", "a masked unit cannot be started")
        }
        if masked == true, enabled == true {
            throw AttributeFault("masked", "a masked unit cannot be enabled")
        }
        if UnitName.isTemplate(unit) {
            throw AttributeFault(
                nil, "\(unit) is a template, and only its instances run",
                hint: "name an instance: \(UnitName.stem(unit))@NAME.service")
        }
    }

    package var owns: [Claim] { [.service(unit)] }

    /// Its unit file and, by the custom that both have one name, its package.
    package var needs: [Claim] {
        var units = [unit]
        if let template = UnitName.template(of: unit) { units.append(template) }
        return units.flatMap { [.unit($0), .path("/etc/systemd/system/\($0)")] }
            + [.package(UnitName.stem(unit))]
    }
}
