import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults

extension Restoration {
    /// Restores the running value of a kernel parameter.
    static func sysctl(
        _ key: SysctlKey, _ value: String, on machine: any Machine
    ) -> Restoration {
        let path = key.procPath
        return Restoration(key.dotted) { () throws(AgentFault) in
            let text = try attempt("read \(path)") { () throws(SystemError) in
                String(decoding: try machine.read(path, limit: 1 << 20), as: UTF8.self)
            }
            return SysctlValue.same(text, value)
        } putBack: { () throws(AgentFault) in
            try attempt("set \(key.dotted) to \(value)") { () throws(SystemError) in
                try machine.writeInPlace(path, Array((value + "\n").utf8))
            }
        }
    }

    /// Restores the CPUs on which a process or thread may run; nil if it has ended.
    static func affinity(
        of pid: Int, _ cpus: String, on machine: any Machine
    ) throws(AgentFault) -> Restoration? {
        let path = "/proc/\(pid)/status"
        guard let wanted = CPUList(kernelText: cpus), !wanted.isEmpty else {
            throw AgentFault(
                "damaged", "put back the CPUs of process \(pid)",
                cause: "\"\(cpus)\" is not a CPU list")
        }
        if try ProcessFile.text(path, on: machine) == nil { return nil }
        return Restoration("the CPUs of process \(pid)") { () throws(AgentFault) in
            let text = try ProcessFile.text(path, on: machine)
            return text.map { ProcessStatus.allowedCPUs($0) == wanted } ?? true
        } putBack: { () throws(AgentFault) in
            try attempt("let process \(pid) run on CPU \(wanted.text)") { () throws(SystemError) in
                do throws(SystemError) {
                    try machine.setAffinity(of: pid, wanted.bytes)
                } catch {
                    // ESRCH: the process has ended in the meantime.
                    if error.code != ESRCH { throw error }
                }
            }
        }
    }

    /// Redoes what follows from restored files: the initramfs, depmod, or a restart of a service.
    ///
    /// Its state cannot be read, so it is always done once.
    static func derived(_ what: String, on machine: any Machine) -> Restoration {
        var isMade = false
        return Restoration(what) { () throws(AgentFault) in
            isMade
        } putBack: { () throws(AgentFault) in
            let words = what.split(separator: " ").map(String.init)
            switch words.first {
            case "initramfs": try Initramfs.makeAnew(on: machine)
            case "depmod" where words.count == 2: try Depmod.run(kernel: words[1], on: machine)
            case "restart" where words.count == 2, "try-restart" where words.count == 2,
                "reload" where words.count == 2:
                try Systemctl.run(
                    [words[0], "--", words[1]], attempted: what, unit: words[1], on: machine)
            default:
                throw AgentFault(
                    "unknown-image", "redo \(what)", cause: "this agent does not know this step")
            }
            isMade = true
        }
    }
}
