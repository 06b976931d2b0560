import FleetModel
import Kinds
import Linux
import SystemFaults

/// Sets an interface up by systemd-networkd: its files, and a reload.
struct NetworkdChange {
    let declaration: NetworkDeclaration
    let found: NetworkBehaviour.Observation
    let host: Host
    private var machine: any Machine { host.machine }

    func make(isMadeAnew: Bool) throws(AgentFault) {
        let name = declaration.name
        let isDevice = declaration.vlan != nil || declaration.bond != nil
        let hasDevice = ["vlan", "bond"].contains(found.link?.kind ?? "")
        let goes = !declaration.isPresent && hasDevice
        // A .netdev that it knows it does not read again, whatever became of the device.
        let isKnown = !found.files.contains { $0.path.hasSuffix(".netdev") && $0.now == nil }
        let restarts =
            isMadeAnew && hasDevice
            || declaration.isPresent && isDevice && found.link == nil && isKnown
        try undoing { (undo) throws(AgentFault) in
            try NetworkBehaviour.note(declaration, found, &undo, on: host)
            try NetworkBehaviour.keep(found.files, &undo, on: machine)
            if goes || isMadeAnew && hasDevice { try deleteDevice() }
            // A card whose file says nothing of the bond any more stays in it.
            for member in found.members where !(declaration.bond?.members.contains(member) ?? goes)
            {
                try IfupdownChange.ip(["link", "set", "dev", member, "nomaster"], on: machine)
            }
            if restarts { try restart() } else { try Networkctl.run(["reload"], on: machine) }
        }
        guard declaration.isPresent else { return }
        // What was changed by hand while the files stayed, reload does not look at.
        if found.files.allSatisfy({ $0.now == $0.wanted }), found.link != nil, !restarts {
            try Networkctl.run(["reconfigure", name], on: machine)
        }
        guard try !wait(), isDevice, !restarts else { return }
        // It may remember a device of that name from before, with other numbers.
        if try NetworkState(on: machine).links[name] != nil { try deleteDevice() }
        try restart()
        _ = try wait()
    }

    private func deleteDevice() throws(AgentFault) {
        try IfupdownChange.ip(["link", "del", "dev", declaration.name], on: machine)
    }

    /// Addresses and leases outlive a restart; what it remembers of devices does not.
    private func restart() throws(AgentFault) {
        let unit = "systemd-networkd.service"
        try Systemctl.run(
            ["restart", unit], attempted: "restart systemd-networkd", unit: unit, on: machine)
    }

    /// networkd answers before it is done: waits until the interface is as declared, 15 s at most.
    ///
    /// Whether it came to be so; what is not, the engine's own look says.
    private func wait() throws(AgentFault) -> Bool {
        for _ in 0..<50 {
            let state = try NetworkState(on: machine)
            let now = try NetworkBehaviour.observation(of: declaration, state, [], on: machine)
            if case .asDeclared = NetworkBehaviour.diff(declaration, now) { return true }
            host.settle()
        }
        return false
    }
}
