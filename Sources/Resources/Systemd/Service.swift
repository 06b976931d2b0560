import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `service`: one `systemctl show` for all, then as few jobs as possible.
package enum ServiceBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var status: UnitStatus
        /// The condition that would keep the unit from starting; evaluated only if it is to start.
        var unmetCondition: String?
        /// Whether enabling it would create links; read only if systemd reports `indirect`.
        var hasInstallRules = false
        /// Whether it has a start link in a runlevel; only for units made from /etc/init.d.
        var isEnabledInRunlevels = false
    }

    package static func observe(
        _ declarations: [ServiceDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let statuses: [UnitStatus]
        do throws(AgentFault) {
            statuses = try UnitStatus.show(declarations.map(\.unit), on: host.machine)
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        let details = observeEach(Array(zip(declarations, statuses))) {
            (pair) throws(AgentFault) in
            try observe(pair.0, pair.1, on: host.machine)
        }
        do throws(AgentFault) {
            let conditions = details.map { (try? $0.get())?.conditions ?? [] }
            let unmet = try UnitCondition.firstUnmet(conditions, on: host.machine)
            return zip(details, unmet).map { detail, unmet in
                detail.map { found in
                    var observation = found.observation
                    observation.unmetCondition = unmet
                    return observation
                }
            }
        } catch {
            return details.map { detail in detail.flatMap { _ in .failure(error) } }
        }
    }

    /// What systemctl does not report of one unit, and the conditions to evaluate.
    private static func observe(
        _ declaration: ServiceDeclaration, _ status: UnitStatus, on machine: any Machine
    ) throws(AgentFault) -> (observation: Observation, conditions: [UnitCondition]) {
        var observation = Observation(status: status)
        if status.unitFileState == "indirect" {
            observation.hasInstallRules = try UnitFile.all(of: status, on: machine)
                .contains(where: \.hasInstallRules)
        }
        observation.isEnabledInRunlevels = try status.isEnabledInRunlevels(on: machine) ?? false
        guard declaration.state == .started, status.loadState == "loaded", status.isStopped else {
            return (observation, [])
        }
        return (observation, UnitFile.conditions(of: try UnitFile.all(of: status, on: machine)))
    }

    package static func diff(
        _ declaration: ServiceDeclaration, _ observation: Observation
    ) -> Difference {
        let status = observation.status
        let staysMasked = status.isMasked && declaration.masked != false
        if let fault = obstacle(declaration, observation, staysMasked: staysMasked) {
            return .blocked(fault)
        }
        var changes: [Change] = []
        if let masked = declaration.masked, masked != status.isMasked || status.isMaskedAtRuntime {
            changes.append(
                Change(
                    "masked", before: status.isMaskedAtRuntime ? "runtime" : .bool(status.isMasked),
                    after: .bool(masked)))
        }
        if status.needsDaemonReload, !staysMasked {
            changes.append(
                Change(
                    "loaded", layer: .onDisk, before: "an older unit file", after: "the unit file",
                    source: status.filesNotLoaded.first ?? status.fragmentPath))
        }
        if let enabled = declaration.enabled, !staysMasked, status.isFound {
            let found = enablement(observation)
            if found.value != .bool(enabled), enabled || !found.isFixed {
                changes.append(Change("enabled", before: found.value, after: .bool(enabled)))
            }
        }
        let isUnmet = observation.unmetCondition != nil
        if declaration.state == .started, !status.isRunning, !isUnmet {
            changes.append(
                Change(
                    "state", layer: .running, before: .string(status.activeText), after: "started"))
        }
        if declaration.state == .stopped, !status.isStopped {
            changes.append(
                Change(
                    "state", layer: .running, before: .string(status.activeText), after: "stopped",
                    disruption: .serviceRestart))
        }
        if !changes.isEmpty { return .changes(changes) }
        if let condition = observation.unmetCondition {
            return .notApplicable("its condition is unmet: \(condition)")
        }
        return .asDeclared(reason(declaration, observation))
    }

    /// Why the service cannot be made as declared; nil where it can.
    private static func obstacle(
        _ declaration: ServiceDeclaration, _ observation: Observation, staysMasked: Bool
    ) -> AgentFault? {
        let status = observation.status
        let unit = status.id
        let wantsStart = declaration.state == .started
        guard wantsStart || declaration.enabled == true else { return nil }
        let attempted = "\(wantsStart ? "start" : "enable") \(declaration.unit)"
        if staysMasked {
            return AgentFault(
                "masked", attempted, cause: "\(unit) is masked",
                hint: "declare `masked: false`, or find out who masked it and why")
        }
        if !status.isFound {
            return AgentFault(
                "no-unit", attempted, cause: "there is no unit \(declaration.unit)",
                hint: "declare the package or the unit that provides it")
        }
        if !["loaded", "masked"].contains(status.loadState) {
            return AgentFault(
                "bad-unit", attempted,
                cause: status.loadError.isEmpty
                    ? "systemd says \(status.loadState)" : status.loadError,
                hint: "`systemd-analyze verify \(unit)` on the host names the line")
        }
        if wantsStart, !status.isRunning, status.endsByItself, observation.unmetCondition == nil {
            return AgentFault(
                "never-running", attempted,
                cause:
                    "\(unit) is Type=oneshot without RemainAfterExit: it ends as soon as it has run,"
                    + " and never counts as started",
                hint: "declare only `enabled`, run it by a handler, or set RemainAfterExit=yes")
        }
        if declaration.enabled == true, !status.isMasked {
            let found = enablement(observation)
            if found.isFixed, found.value != true {
                return AgentFault(
                    "cannot-enable", "enable \(declaration.unit)", cause: found.text,
                    hint: "leave `enabled` out, or enable the unit that starts it")
            }
        }
        return nil
    }

    /// Whether the unit starts at boot, whether that is fixed, and a text for messages.
    private static func enablement(
        _ observation: Observation
    ) -> (value: JSON, isFixed: Bool, text: String) {
        let status = observation.status
        let state = status.unitFileState
        switch state {
        case "enabled", "alias": return (true, false, "enabled")
        case "enabled-runtime": return ("runtime", false, "enabled until the next boot")
        case "masked", "masked-runtime": return (.string(state), false, "masked")
        case "disabled", "linked", "linked-runtime": return (false, false, "disabled")
        case "generated" where status.sourcePath.hasPrefix("/etc/init.d/"):
            let isEnabled = observation.isEnabledInRunlevels
            return (
                .bool(isEnabled), false,
                "\(isEnabled ? "enabled" : "disabled") by \(status.sourcePath)"
            )
        case "indirect" where observation.hasInstallRules: return (false, false, "disabled")
        case "static":
            return (false, true, "static: it has no [Install] section, only other units start it")
        case "indirect":
            return (false, true, "indirect: its [Install] section only names other units (Also=)")
        case "generated":
            let source = status.sourcePath.isEmpty ? "" : " from \(status.sourcePath)"
            return (false, true, "generated\(source): its generator decides")
        case "": return (false, true, "without a unit file")
        default: return (false, true, state)
        }
    }

    private static func reason(
        _ declaration: ServiceDeclaration, _ observation: Observation
    ) -> String {
        let status = observation.status
        if !status.isFound, !status.isMasked {
            return "no such unit, so it neither runs nor starts"
        }
        var parts: [String] = []
        if declaration.state != .unmanaged {
            parts.append(status.activeText)
            if declaration.state == .stopped, !status.isMasked, !status.triggeredBy.isEmpty {
                parts.append("\(status.triggeredBy.joined(separator: ", ")) can still start it")
            }
        }
        if status.isMasked {
            parts.append(status.isMaskedAtRuntime ? "masked until the next boot" : "masked")
        } else {
            if declaration.masked == false { parts.append("not masked") }
            if declaration.enabled != nil { parts.append(enablement(observation).text) }
        }
        return parts.joined(separator: ", ")
    }

    package static func beforeImages(
        _ declaration: ServiceDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        let state = try UnitState(observation.status, on: host.machine)
        return [
            .unit(name: observation.status.id, active: state.active, enabled: state.enabled)
        ]
    }

    package static func apply(
        _ declaration: ServiceDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let status = observation.status
        let unit = status.id
        func job(_ arguments: [String], isLogged: Bool = false) throws(AgentFault) {
            try Systemctl.run(
                arguments + ["--", unit], attempted: "\(arguments[0]) \(unit)",
                unit: isLogged ? unit : nil, on: host.machine)
        }
        let wanted = Dictionary(
            changes.map { ($0.attribute, $0.after ?? .null) }, uniquingKeysWith: { _, last in last }
        )
        if wanted["masked"] == false {
            try job(status.isMaskedAtRuntime ? ["unmask", "--runtime"] : ["unmask"])
        }
        if wanted["loaded"] != nil {
            try Systemctl.run(
                ["daemon-reload"], attempted: "reload the unit files", on: host.machine)
        }
        if wanted["state"] == "stopped" { try job(["stop"], isLogged: true) }
        if wanted["enabled"] == false {
            try job(
                status.unitFileState == "enabled-runtime" ? ["disable", "--runtime"] : ["disable"])
        }
        if wanted["masked"] == true { try job(["mask"]) }
        if wanted["enabled"] == true { try job(["enable"]) }
        if wanted["state"] == "started" {
            try job(["start"], isLogged: true)
            try confirmRunning(unit, status, on: host)
        }
    }

    /// Checks that the unit runs: for a simple service, systemctl succeeds as soon as it is forked.
    private static func confirmRunning(
        _ unit: String, _ status: UnitStatus, on host: Host
    ) throws(AgentFault) {
        if ["simple", "exec", "idle"].contains(status.type) { host.settle() }
        guard let now = try UnitStatus.show([unit], on: host.machine).first, !now.isRunning else {
            return
        }
        throw AgentFault(
            "not-running", "start \(unit)",
            cause: "it is \(now.activeText)" + Systemctl.logText(of: unit, on: host.machine),
            hint: "`journalctl -u \(unit)` on the host says more")
    }
}
