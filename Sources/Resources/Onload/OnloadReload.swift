import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Replaces the modules in memory with those on disk.
struct OnloadReload {
    let declaration: OnloadDeclaration
    /// What was found before.
    let found: OnloadBehaviour.Observation
    let host: Host
    private var machine: any Machine { host.machine }

    init(
        declaration: OnloadDeclaration, found: OnloadBehaviour.Observation, host: Host
    ) {
        self.declaration = declaration
        self.found = found
        self.host = host
    }

    /// Throws if something uses the modules, or if a reload would cut muster off.
    ///
    /// The vendor's tool checks only for stacks; if it then fails, it has already unloaded sfc.
    func refuseWhileUsed(
        isFull: Bool, to attempted: String = "reload OpenOnload's modules"
    ) throws(AgentFault) {
        let users = found.users
        if !users.isEmpty {
            throw AgentFault(
                "in-use", attempted,
                cause: "used by \(users.prefix(10).joined(separator: ", "))"
                    + (users.count > 10 ? " and \(users.count - 10) more" : ""),
                hint: "stop what uses them and apply again, or wait for a reboot (reload: never)")
        }
        if isFull, let fault = Self.cutOff(declaration, found) { throw fault }
    }

    /// Why the ports' driver must not be reloaded; nil where it may.
    static func cutOff(
        _ declaration: OnloadDeclaration, _ found: OnloadBehaviour.Observation
    ) -> AgentFault? {
        guard !declaration.mayCutOff, let port = found.ownPort else { return nil }
        return AgentFault(
            "own-link", "reload sfc",
            cause: "muster's own connection uses \(port), whose driver is sfc",
            hint: "connect through another link, or declare may_cut_off: true")
    }

    /// Reloads, and makes sure that the ports come back even if the reload failed.
    func run(isFull: Bool) throws(AgentFault) {
        let failure: AgentFault?
        do throws(AgentFault) {
            try exchange(isFull: isFull)
            failure = nil
        } catch {
            failure = loadedAgain(after: error)
        }
        try restorePorts(after: failure)
        if let failure { throw failure }
    }

    /// Loads onload again if it is gone; if that fails too, the returned fault says so.
    ///
    /// It comes from the files on disk, which may be newer than what was in memory.
    private func loadedAgain(after failure: AgentFault) -> AgentFault {
        if isThere("onload") { return failure }
        do throws(AgentFault) {
            try Modprobe.run(["onload"], node: declaration.node, on: machine)
            return failure
        } catch {
            var failure = failure
            failure.cause += "; not put back: the module onload (\(error.cause))"
            return failure
        }
    }

    /// Whether a module is in memory.
    ///
    /// If that cannot be read, the module counts as gone: loading a loaded module does nothing.
    private func isThere(_ module: String) -> Bool {
        ((try? machine.statusIfPresent("/sys/module/\(module)/initstate")) ?? nil) != nil
    }

    private func exchange(isFull: Bool) throws(AgentFault) {
        if found.disk.hasTool {
            do throws(AgentFault) {
                return try tool(isFull ? ["reload"] : ["reload", "--onload-only"])
            } catch {
                // An older tool without --onload-only prints its usage and changes nothing.
                guard !isFull, error.cause.contains(text: "usage:") else { throw error }
            }
        }
        try unload(isFull: isFull)
        if isFull { try Modprobe.run(["sfc"], node: declaration.node, on: machine) }
        try Modprobe.run(["onload"], node: declaration.node, on: machine)
    }

    private func tool(_ arguments: [String]) throws(AgentFault) {
        let attempted = "onload_tool \(arguments.joined(separator: " "))"
        let result = try Modprobe.run(
            OnloadDisk.tool, arguments, node: declaration.node, attempted, on: machine)
        guard result.succeeded else {
            // The tool writes its messages to both outputs.
            let said = Excerpt.lines(of: result.outputText + "\n" + result.errorText, most: 6)
            throw AgentFault(
                "reload-failed", attempted,
                cause: "it \(result.endText): \(said.joined(separator: "; "))",
                hint: "dmesg on the host says more")
        }
    }

    /// Does what the tool does: stops the control plane, then unloads the modules from the top.
    func unload(isFull: Bool) throws(AgentFault) {
        let servers = found.running.servers.map(String.init)
        if !servers.isEmpty {
            _ = try attempt("stop the control plane") { () throws(SystemError) in
                try machine.run(ProgramCall("/bin/kill", servers))
            }
            for _ in 0..<20 {
                let left = try attempt("wait for the control plane") { () throws(SystemError) in
                    var left = false
                    for server in servers
                    where try machine.statusIfPresent("/proc/\(server)") != nil {
                        left = true
                    }
                    return left
                }
                if !left { break }
                host.settle()
            }
        }
        let modules =
            isFull ? ["onload", "sfc_char", "sfc_resource", "sfc"] : ["onload", "sfc_char"]
        for module in modules {
            let isLoaded =
                try machine.readText("/sys/module/\(module)/initstate") != nil
            if isLoaded { try Modprobe.run(["-r", module], on: machine) }
        }
    }

    /// Loads the driver of the ports again if it is gone, and waits for the ports.
    func restorePorts(after failure: AgentFault?) throws(AgentFault) {
        let hadDriver = found.running.modules["sfc"] != nil
        var was = ""
        if hadDriver, !isThere("sfc") {
            do throws(AgentFault) {
                try Modprobe.run(["sfc"], node: declaration.node, on: machine)
            } catch {
                throw AgentFault(
                    "ports-lost", failure?.attempted ?? "reload OpenOnload's modules",
                    cause:
                        "\(failure?.cause ?? "the reload unloaded sfc"); sfc is no longer loaded: "
                        + "\(error.cause)",
                    hint:
                        "the ports \(found.ports.map(\.name).joined(separator: ", ")) are down: load sfc by hand"
                )
            }
            was = "; sfc had been unloaded, and was loaded again"
        }
        var missing: [String] = []
        for _ in 0..<100 {
            let names = try OnloadPort.names(on: machine)
            missing = found.ports.map(\.name).filter { !names.contains($0) }
            if missing.isEmpty { break }
            host.settle()
        }
        if !missing.isEmpty {
            throw AgentFault(
                "ports-lost", failure?.attempted ?? "reload OpenOnload's modules",
                cause:
                    "\(failure.map { $0.cause + "; " } ?? "")the ports \(missing.joined(separator: ", ")) "
                    + "did not come back in 30 s",
                hint: "dmesg on the host says more")
        }
        if let failure, !was.isEmpty {
            let ports = found.ports.map(\.name).joined(separator: ", ")
            throw AgentFault(
                failure.code, failure.attempted,
                cause: failure.cause + was + (ports.isEmpty ? "" : "; ports back: \(ports)"),
                hint: failure.hint)
        }
    }
}
