import FleetModel
import Kinds
import Linux

/// Runs handlers: actions that run once after the resources, if one of those changed.
package enum HandlerRunner {
    /// Runs a handler and returns why it counts as done: `active (running)`.
    ///
    /// Afterwards, a service must be running (or stopped, for `stop`). If the files of a unit are
    /// newer than what systemd has loaded, daemon-reload is run first.
    package static func run(_ handler: PlannedHandler, on host: Host) throws(AgentFault) -> String {
        if handler.kind.schema.traits.handler == .program || handler.action == .run {
            return try runCommand(handler, on: host)
        }
        let name = UnitName.full(handler.name)
        let attempted = "\(verb(handler.action)) \(name)"
        let before = try status(of: name, attempted, on: host)
        if handler.action == .stop, before.isStopped { return "\(before.activeText) already" }
        if handler.action == .start, before.isRunning { return "\(before.activeText) already" }
        if before.isMasked, handler.action != .stop {
            throw AgentFault(
                "masked", attempted, cause: "\(name) is masked",
                hint: "declare `masked: false` for it")
        }
        if before.needsDaemonReload {
            try Systemctl.run(
                ["daemon-reload"], attempted: "reload the unit files", on: host.machine)
        }
        if handler.action == .reload {
            // A stopped service reads its configuration when it starts.
            if before.isStopped { return "\(before.activeText): nothing to reload" }
            let now = before.needsDaemonReload ? try status(of: name, attempted, on: host) : before
            guard now.canReload else {
                throw AgentFault(
                    "cannot-reload", attempted,
                    cause: "\(name) cannot reload (it has no ExecReload=)",
                    hint: "use the action reload_or_restart")
            }
        }
        try Systemctl.run(
            [verb(handler.action), "--", before.id], attempted: attempted, unit: before.id,
            on: host.machine)
        return try confirm(handler.action, before, attempted, on: host)
    }

    private static func verb(_ action: PlannedHandler.Action) -> String {
        switch action {
        case .restart: "restart"
        case .reload: "reload"
        case .reloadOrRestart: "reload-or-restart"
        case .start: "start"
        case .stop: "stop"
        case .run: "run"
        }
    }

    private static func status(
        of name: String, _ attempted: String, on host: Host
    ) throws(AgentFault) -> UnitStatus {
        guard let status = try UnitStatus.show([name], on: host.machine).first, status.isFound
        else {
            throw AgentFault(
                "no-unit", attempted, cause: "there is no unit \(name)",
                hint: "declare the package or unit that provides it")
        }
        return status
    }

    private static func confirm(
        _ action: PlannedHandler.Action, _ before: UnitStatus, _ attempted: String, on host: Host
    ) throws(AgentFault) -> String {
        if action != .stop, ["simple", "exec", "idle"].contains(before.type) { host.settle() }
        let now = try status(of: before.id, attempted, on: host)
        if action == .stop, now.isStopped { return now.activeText }
        if action != .stop, now.isRunning { return now.activeText }
        if action != .stop, now.activeState == "inactive", now.result == "success" {
            if now.endsByItself { return "ran to its end" }
            let conditions = UnitFile.conditions(
                of: try UnitFile.all(of: now, on: host.machine))
            if let unmet = try UnitCondition.firstUnmet([conditions], on: host.machine).first ?? nil
            {
                return "not started: its condition is unmet: \(unmet)"
            }
        }
        throw AgentFault(
            action == .stop ? "still-running" : "not-running", attempted,
            cause: "afterwards it is \(now.activeText)"
                + Systemctl.logText(of: before.id, on: host.machine),
            hint: "see `journalctl -u \(before.id)` on the host")
    }

    private static func runCommand(
        _ handler: PlannedHandler, on host: Host
    ) throws(AgentFault) -> String {
        let attempted = "run \(handler.name)"
        guard let program = handler.arguments.first, program.hasPrefix("/") else {
            throw AgentFault(
                "no-program", attempted,
                cause: "the handler does not give a program by its absolute path")
        }
        let result: ProgramResult
        do throws(SystemError) {
            result = try host.machine.run(
                ProgramCall(program, Array(handler.arguments.dropFirst()), timeoutSeconds: 300))
        } catch {
            throw AgentFault("not-started", attempted, cause: error.description, hint: error.hint)
        }
        guard result.succeeded else {
            let said = Excerpt.lines(of: result.outputText + "\n" + result.errorText, most: 10)
            throw AgentFault(
                "command-failed", attempted,
                cause: "\(program) \(result.endText)" + said.map { "\n    \($0)" }.joined())
        }
        return "\(program) \(result.endText)"
    }
}
