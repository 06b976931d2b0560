import FleetModel
import Linux
import SystemFaults

/// A unit's state as before-images have it: whether it runs, and whether it starts at boot.
struct UnitState: Sendable, Equatable {
    /// systemd's word: `active`, `inactive`, `failed`, `activating`.
    var active: String
    /// Whether it starts at boot, in systemd's word; empty where nothing says.
    ///
    /// `enabled`, `disabled`, `masked`, `static`, `enabled-runtime`, `masked-runtime`. A script of
    /// /etc/init.d is enabled or disabled by its start links.
    var enabled: String

    init(active: String, enabled: String) {
        self.active = active
        self.enabled = enabled
    }

    /// What systemd says, and for a script its links.
    init(_ status: UnitStatus, on machine: any Machine) throws(AgentFault) {
        active = status.activeState
        enabled = status.unitFileState
        if let isEnabled = try status.isEnabledInRunlevels(on: machine) {
            enabled = isEnabled ? "enabled" : "disabled"
        }
    }

    var isMasked: Bool { enabled.hasPrefix("masked") }
    var isEnabled: Bool { ["enabled", "enabled-runtime", "alias"].contains(enabled) }
    /// Whether it is to run; a unit that was about to start is one that is to run.
    var runs: Bool { !["inactive", "failed", "deactivating", ""].contains(active) }

    /// Whether nothing has to be done to come from the one to the other.
    ///
    /// That a unit had failed is not made again: it is as good as stopped.
    func isLike(_ other: UnitState) -> Bool {
        if runs != other.runs || isMasked != other.isMasked { return false }
        return isMasked || isEnabled || other.isEnabled ? enabled == other.enabled : true
    }
}

extension Restoration {
    /// Whether a unit ran, started at boot and was masked.
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

/// Takes a unit back to a state, by the fewest calls of systemctl.
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

    /// Stops and disables it where that is how it was; needs its files as they are now.
    ///
    /// Gives whether anything had to be done.
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

    /// Masks, enables and starts it where that is how it was; needs its files as they were.
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
