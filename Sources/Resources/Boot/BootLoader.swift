import FleetModel
import Kinds
import Linux
import SystemFaults

/// A kernel command line as the boot loader keeps it.
struct BootLine: Sendable, Equatable {
    /// `the entry that boots next`, `kernels installed later`.
    var what: String
    /// Where it is written: `/boot/grub/grub.cfg:94`.
    var source: String
    var parameters: [KernelParameter]
}

/// What keeps kernel command lines between boots.
protocol BootLoader: Sendable {
    /// Every command line that has to be as declared: the one of the next boot first.
    func lines(on machine: any Machine) throws(AgentFault) -> [BootLine]

    /// What a set put in place; nil where it has put nothing.
    func recorded(_ name: String, on machine: any Machine) throws(AgentFault) -> [KernelParameter]?

    /// The files that changing a set may change.
    func files(_ name: String, on machine: any Machine) throws(AgentFault) -> [String]

    /// Makes the set as declared, in every line; with nothing declared, takes it away.
    ///
    /// Every file is replaced whole, the ones that boot last; where that fails, what was there
    /// before is there again.
    func put(
        _ name: String, _ wanted: [KernelParameter], _ unwanted: [KernelParameter], on host: Host
    ) throws(AgentFault)
}

/// Which boot loader a machine has.
enum BootLoaderFinding: Sendable {
    case loader(any BootLoader)
    /// The kernel is another machine's.
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
            return .unknown("both \(config) and \(boot)/loader/loader.conf are there")
        case (nil, nil):
            return .unknown("neither a grub.cfg nor a loader.conf is in its place")
        }
    }

    /// Red Hat's GRUB reads entries of the Boot Loader Specification when it is told to.
    private static func isBLS(on machine: any Machine) throws(AgentFault) -> Bool {
        let text = try machine.readText("/etc/default/grub")
        let setting = (text ?? "").filledLines.last {
            $0.hasPrefix("GRUB_ENABLE_BLSCFG=")
        }
        return setting?.contains("true") ?? false
    }
}
