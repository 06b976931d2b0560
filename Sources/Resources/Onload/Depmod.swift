import FleetModel
import Kinds
import Linux
import SystemFaults

/// Chooses which of several sfc modules modprobe loads, with depmod(8).
enum Depmod {
    /// Prefers the sfc module in a folder below the kernel's modules (depmod.d(5)).
    ///
    /// nil removes the preference, so that the distribution's choice applies again.
    static func prefer(
        _ folder: String?, kernel: String, on machine: any Machine
    ) throws(AgentFault) {
        try NewFile.keep(
            OnloadDeclaration.overrideFile,
            folder.map { OnloadSettings.head + "override sfc * \($0)\n" }, on: machine)
        try run(kernel: kernel, on: machine)
    }

    /// Rebuilds the lists of a kernel's modules.
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
