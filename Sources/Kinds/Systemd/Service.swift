import FleetModel
import Wire

/// A declared `service`: whether a unit runs, is enabled at boot, and is masked.
package struct ServiceDeclaration: ResourceDeclaration {
    package enum State: String, Sendable {
        /// Whether the unit runs is not managed.
        case unmanaged
        case started, stopped
    }

    package static let schema = KindSchema(
        .service, "Whether a systemd unit runs, is enabled at boot, and is masked.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .unitName, remains: .listed, rivals: [],
            handler: .unitAction),
        nameType: .string,
        nameSummary:
            "The unit; without a type it is a `.service`. Aliases and instances are allowed.",
        states: ["unmanaged", "started", "stopped"],
        attributes: [
            AttributeSchema(
                "enabled", .boolean,
                "Whether it starts at boot, by its [Install] section. Default: stays as it is."),
            AttributeSchema(
                "masked", .boolean,
                "Whether it is linked to /dev/null, so that nothing can start it. Default: stays"
                    + " as it is."
            ),
        ],
        notes: [
            "`state` is the running value, `enabled` and `masked` are the persisted ones. If the"
                + " unit file"
                + " has changed since systemd loaded it, this is a separate difference, corrected"
                + " by a"
                + " daemon-reload.",
            "A unit that does not exist counts as stopped and not enabled; any other declaration"
                + " for it is"
                + " a failure. If the conditions of a unit are not met, it is not applicable on"
                + " that host.",
            "A static, indirect or generated unit cannot be enabled, and a oneshot unit without"
                + " RemainAfterExit never counts as started: both are faults, and nothing is"
                + " tried.",
            "Starting causes no disruption; stopping counts as `service_restart`.",
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
                nil, "\(unit) is a template; only instances can run",
                hint: "name an instance: \(UnitName.stem(unit))@NAME.service")
        }
    }

    package var owns: [Claim] { [.service(unit)] }

    /// The unit file, and the package, which usually has the same name as the unit.
    package var needs: [Claim] {
        var units = [unit]
        if let template = UnitName.template(of: unit) { units.append(template) }
        return units.flatMap { [.unit($0), .path("/etc/systemd/system/\($0)")] }
            + [.package(UnitName.stem(unit))]
    }
}
