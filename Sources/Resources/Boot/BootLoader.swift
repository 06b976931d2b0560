import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// A kernel command line as the boot loader has it.
struct BootLine: Sendable, Equatable {
    /// What the line is for: `the entry that boots next`, `kernels installed later`.
    var what: String
    /// Where it is written: `/boot/grub/grub.cfg:94`.
    var source: String
    var parameters: [KernelParameter]
}

/// A boot loader, which holds the kernel command lines of the next boot and of later kernels.
protocol BootLoader: Sendable {
    /// Every command line that must be as declared, the one of the next boot first.
    func lines(on machine: any Machine) throws(AgentFault) -> [BootLine]

    /// The parameters that a set has put in place; nil if there is no record of the set.
    func recorded(_ name: String, on machine: any Machine) throws(AgentFault) -> [KernelParameter]?

    /// The files that a change of the set may write.
    func files(_ name: String, on machine: any Machine) throws(AgentFault) -> [String]

    /// Puts the set as declared into every line; with no parameters, removes the set.
    ///
    /// Each file is replaced as a whole, and the one that boots next comes last. If a step fails,
    /// the earlier content is restored.
    func put(
        _ name: String, _ wanted: [KernelParameter], _ unwanted: [KernelParameter], on host: Host
    ) throws(AgentFault)
}

/// Which boot loader a machine has.
enum BootLoaderFinding: Sendable {
    case loader(any BootLoader)
    /// The machine is a container: the kernel belongs to the host outside of it.
    case container
    case unknown(String)

    static func find(on machine: any Machine) throws(AgentFault) -> BootLoaderFinding {
        func first(_ paths: [String]) throws(AgentFault) -> String? {
            for path in paths {
                let status = try attempt("look for the boot loader") { () throws(SystemError) in
                    try machine.statusIfPresent(path, followLinks: true)
                }
                if status != nil { return path }
            }
            return nil
        }
        if try first(["/run/systemd/container", "/.dockerenv"]) != nil { return .container }
        let grub = try first(["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"])
        let systemd = try first(["/boot", "/efi", "/boot/efi"].map { $0 + "/loader/loader.conf" })
            .map { PathName.parent(of: PathName.parent(of: $0)) }
        switch (grub, systemd) {
        case (let config?, nil):
            let folder = PathName.parent(of: config)
            if try isBLS(on: machine) {
                return .loader(EntryLoader(folder: "/boot", grubFolder: folder))
            }
            return .loader(GrubLoader(config: config))
        case (nil, let boot?): return .loader(EntryLoader(folder: boot, grubFolder: nil))
        case (let config?, let boot?):
            return .unknown("both \(config) and \(boot)/loader/loader.conf exist")
        case (nil, nil):
            return .unknown("neither a grub.cfg nor a loader.conf was found")
        }
    }

    /// Whether GRUB_ENABLE_BLSCFG makes Red Hat's GRUB read Boot Loader Specification entries.
    private static func isBLS(on machine: any Machine) throws(AgentFault) -> Bool {
        let text = try machine.readText("/etc/default/grub")
        let setting = (text ?? "").filledLines.last {
            $0.hasPrefix("GRUB_ENABLE_BLSCFG=")
        }
        return setting?.contains(text: "true") ?? false
    }
}
