import FleetModel
import Linux
import SystemFaults

/// A unit's state in before-images: whether it runs, and whether it starts at boot.
struct UnitState: Sendable, Equatable {
    /// systemd's word: `active`, `inactive`, `failed`, `activating`.
    var active: String
    /// Whether it starts at boot, in systemd's word; empty where systemd has none.
    ///
    /// `enabled`, `disabled`, `masked`, `static`, `enabled-runtime`, `masked-runtime`. A script of
    /// /etc/init.d is enabled or disabled by its start links.
    var enabled: String

    init(active: String, enabled: String) {
        self.active = active
        self.enabled = enabled
    }

    /// The state as systemd reports it; for a script of /etc/init.d, by its start links.
    init(_ status: UnitStatus, on machine: any Machine) throws(AgentFault) {
        active = status.activeState
        enabled = status.unitFileState
        if let isEnabled = try status.isEnabledInRunlevels(on: machine) {
            enabled = isEnabled ? "enabled" : "disabled"
        }
    }

    var isMasked: Bool { enabled.hasPrefix("masked") }
    var isEnabled: Bool { ["enabled", "enabled-runtime", "alias"].contains(enabled) }
    /// Whether the unit runs; one that is starting counts as running.
    var runs: Bool { !["inactive", "failed", "deactivating", ""].contains(active) }

    /// Whether nothing has to be done to get from one state to the other.
    ///
    /// A failed unit counts as stopped: the failure is not put back.
    func isLike(_ other: UnitState) -> Bool {
        if runs != other.runs || isMasked != other.isMasked { return false }
        return isMasked || isEnabled || other.isEnabled ? enabled == other.enabled : true
    }
}

extension Restoration {
    /// Puts back whether a unit ran, started at boot and was masked.
    static func unit(
        _ name: String, _ saved: UnitState, on machine: any Machine
    ) -> Restoration {
        Restoration("the unit \(name)") { () throws(AgentFault) in
            try UnitPutBack(name: name, saved: saved, machine: machine).now().isLike(saved)
        } putBack: { () throws(AgentFault) in
            let work = UnitPutBack(name: name, saved: saved, machine: machine)
            _ = try work.goDown()
            try work.comeUp()
        }
    }
}

/// Puts a unit back into a state, with as few calls of systemctl as possible.
struct UnitPutBack {
    let name: String
    let saved: UnitState
    let machine: any Machine

    func now() throws(AgentFault) -> UnitState {
        guard let status = try UnitStatus.show([name], on: machine).first else {
            return UnitState(active: "inactive", enabled: "")
        }
        return try UnitState(status, on: machine)
    }

    /// Stops and disables the unit if it was so before; needs the current unit files.
    ///
    /// Returns whether anything had to be done.
    func goDown() throws(AgentFault) -> Bool {
        let now = try now()
        let stops = now.runs && !saved.runs
        let disables = now.isEnabled && now.enabled != saved.enabled
        if stops { try call(["stop"]) }
        if disables {
            try call(now.enabled == "enabled-runtime" ? ["disable", "--runtime"] : ["disable"])
        }
        return stops || disables
    }

    /// Masks, enables and starts the unit if it was so before; needs the earlier unit files.
    func comeUp() throws(AgentFault) {
        var now = try now()
        if now.isMasked, now.enabled != saved.enabled {
            try unmask(now)
            now = try self.now()
        }
        if saved.isMasked {
            if now.enabled != saved.enabled {
                try call(saved.enabled == "masked-runtime" ? ["mask", "--runtime"] : ["mask"])
            }
        } else if saved.isEnabled, now.enabled != saved.enabled {
            try call(saved.enabled == "enabled-runtime" ? ["enable", "--runtime"] : ["enable"])
        }
        if saved.runs, !now.runs { try call(["start"]) }
    }

    private func unmask(_ now: UnitState) throws(AgentFault) {
        try call(now.enabled == "masked-runtime" ? ["unmask", "--runtime"] : ["unmask"])
    }

    private func call(_ words: [String]) throws(AgentFault) {
        try Systemctl.run(
            words + ["--", name], attempted: "\(words[0]) \(name)", unit: name, on: machine)
    }
}
