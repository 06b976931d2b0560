import FleetModel
import Kinds
import Linux

/// Sets an interface up by systemd-networkd: its files, and a reload.
struct NetworkdChange {
    let declaration: NetworkDeclaration
    let found: NetworkBehaviour.Observation
    let host: Host
    private var machine: any Machine { host.machine }

    private static let networkctl = "/usr/bin/networkctl"

    func make(isMadeAnew: Bool) throws(AgentFault) {
        let name = declaration.name
        let hasDevice = ["vlan", "bond"].contains(found.link?.kind ?? "")
        let goes = !declaration.isPresent && hasDevice
        do throws(AgentFault) {
            try NetworkBehaviour.keep(found.files, on: machine)
            // networkd makes a device once, and never another of it.
            if goes || isMadeAnew && hasDevice {
                try IfupdownChange.ip(["link", "del", "dev", name], on: machine)
            }
            // A card whose file says nothing of the bond any more stays in it.
            for member in found.members where !(declaration.bond?.members.contains(member) ?? goes)
            {
                try IfupdownChange.ip(["link", "set", "dev", member, "nomaster"], on: machine)
            }
            try networkctl(["reload"])
        } catch {
            for file in found.files where file.now != file.wanted {
                try? NewFile.keep(file.path, file.now, on: machine)
            }
            throw error
        }
        guard declaration.isPresent else { return }
        // What was changed by hand while the files stayed, reload does not look at.
        if found.files.allSatisfy({ $0.now == $0.wanted }), found.link != nil, !isMadeAnew {
            try networkctl(["reconfigure", name])
        }
        try wait()
    }

    private func networkctl(_ arguments: [String]) throws(AgentFault) {
        let attempted = "networkctl \(arguments.joined(separator: " "))"
        let result = try attempt(attempted) { () throws(SystemError) in
            try machine.run(ProgramCall(Self.networkctl, arguments))
        }
        guard result.succeeded else {
            throw AgentFault(
                "networkctl", attempted,
                cause: "networkctl \(result.endText): \(ProgramText.excerpt(of: result))",
                hint: "`systemctl status systemd-networkd` on the host says more")
        }
    }

    /// networkd answers before it is done: waits until the interface is as declared, 15 s at most.
    ///
    /// What is not so then, the engine's own look says.
    private func wait() throws(AgentFault) {
        for _ in 0..<50 {
            let state = try NetworkState(on: machine)
            let now = try NetworkBehaviour.observation(of: declaration, state, [], on: machine)
            if case .asDeclared = NetworkBehaviour.diff(declaration, now) { return }
            host.settle()
        }
    }
}
