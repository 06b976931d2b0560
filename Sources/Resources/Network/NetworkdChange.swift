import FleetModel
import Kinds
import Linux
import SystemFaults

/// Sets up an interface with systemd-networkd: writes its files and has them reloaded.
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
        // networkd does not read a .netdev again that it knows, even if the device is gone.
        let isKnown = !found.files.contains { $0.path.hasSuffix(".netdev") && $0.now == nil }
        let restarts =
            isMadeAnew && hasDevice
            || declaration.isPresent && isDevice && found.link == nil && isKnown
        try undoing { (undo) throws(AgentFault) in
            try NetworkBehaviour.note(declaration, found, &undo, on: host)
            try NetworkBehaviour.keep(found.files, &undo, on: machine)
            if goes || isMadeAnew && hasDevice { try deleteDevice() }
            // A card stays in the bond even when its file no longer names the bond.
            for member in found.members where !(declaration.bond?.members.contains(member) ?? goes)
            {
                try IfupdownChange.ip(["link", "set", "dev", member, "nomaster"], on: machine)
            }
            if restarts { try restart() } else { try Networkctl.run(["reload"], on: machine) }
        }
        guard declaration.isPresent else { return }
        // A reload does not correct what was changed by hand while the files stayed the same.
        if found.files.allSatisfy({ $0.now == $0.wanted }), found.link != nil, !restarts {
            try Networkctl.run(["reconfigure", name], on: machine)
        }
        guard try !wait(), !restarts else { return }
        let link = try NetworkState(on: machine).links[name]
        if isDevice {
            // networkd may remember an earlier device of that name, with other options.
            if link != nil { try deleteDevice() }
        } else if !declaration.addresses.contains(where: {
            !$0.isIPv4 && link?.addresses.contains($0) == false
        }) {
            return
        }
        // An IPv6 address that was removed by hand while the kernel still looked for duplicates of it
        // stays "removing" for networkd (seen with systemd 252): reconfiguring does not bring it back.
        try restart()
        _ = try wait()
    }

    private func deleteDevice() throws(AgentFault) {
        try IfupdownChange.ip(["link", "del", "dev", declaration.name], on: machine)
    }

    /// Restarts networkd: it keeps addresses and leases, but forgets what it knows of devices.
    private func restart() throws(AgentFault) {
        let unit = "systemd-networkd.service"
        try Systemctl.run(
            ["restart", unit], attempted: "restart systemd-networkd", unit: unit, on: machine)
    }

    /// Waits until the interface is as declared, 15 s at most: networkd answers before it is done.
    ///
    /// Returns whether it is; the engine observes again and reports what still differs.
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
