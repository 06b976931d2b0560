import FleetModel
import Kinds
import Linux
import SystemFaults

/// Which of several sfc modules modprobe takes, by depmod(8).
enum Depmod {
    /// Prefers the one in a folder below the kernel's modules (depmod.d(5)); nil leaves the choice to
    /// the distribution again.
    static func prefer(
        _ folder: String?, kernel: String, on machine: any Machine
    ) throws(AgentFault) {
        try NewFile.keep(
            OnloadDeclaration.overrideFile,
            folder.map { OnloadSettings.head + "override sfc * \($0)\n" }, on: machine)
        try run(kernel: kernel, on: machine)
    }

    /// Makes the lists of a kernel's modules anew.
    static func run(kernel: String, on machine: any Machine) throws(AgentFault) {
        let attempted = "depmod -a \(kernel)"
        let result = try attempt(attempted) { () throws(SystemError) in
            try machine.run(ProgramCall("/sbin/depmod", ["-a", kernel], timeoutSeconds: 120))
        }
        guard result.succeeded else {
            throw AgentFault(
                "depmod", attempted,
                cause: "depmod \(result.endText): \(ProgramText.excerpt(of: result))")
        }
    }
}
