import FleetModel
import Glibc
import Linux
import Wire

/// Other managers that are active beside us, and what of a plan they fight over.
///
/// A daemon that sets a governor of its own makes a check right for a moment only, so it is said
/// with the resource it may undo.
struct ConflictFinder {
    /// A manager: its programs as the kernel names them (15 bytes), and what it sets.
    struct Manager {
        let name: String
        let programs: [String]
        let kinds: Set<Kind>
        /// In words: what it does to them.
        let effect: String
        /// What enables one that sets things at boot and leaves no program.
        var links: [String] = []
    }

    static let managers = [
        Manager(
            name: "tuned", programs: ["tuned"],
            kinds: [
                .sysctl, .cpuPower, .transparentHugepages, .hugepages, .irqAffinity, .workqueue,
                .kernelCmdline, .irqbalance,
            ],
            effect: "applies its own profile at start and when it is told to"),
        Manager(
            name: "irqbalance", programs: ["irqbalance"], kinds: [.irqAffinity],
            effect: "moves interrupts every 10 seconds, to CPUs that are not banned"),
        Manager(
            name: "power-profiles-daemon", programs: ["power-profiles-"], kinds: [.cpuPower],
            effect: "sets the energy preference by its profile"),
        Manager(
            name: "thermald", programs: ["thermald"], kinds: [.cpuPower],
            effect: "lowers frequencies by its own idea of heat"),
        Manager(
            name: "cpufreqd", programs: ["cpufreqd", "powerd", "cpuspeed"], kinds: [.cpuPower],
            effect: "changes governors"),
        Manager(
            name: "cpupower", programs: [], kinds: [.cpuPower], effect: "sets a governor at boot",
            links: ["/etc/systemd/system/multi-user.target.wants/cpupower.service"]),
        Manager(
            name: "cpufrequtils", programs: [], kinds: [.cpuPower],
            effect: "sets a governor at boot",
            links: ["/etc/rc2.d/S01cpufrequtils", "/etc/rc2.d/S01loadcpufreq"]),
        Manager(
            name: "tlp", programs: ["tlp"], kinds: [.cpuPower], effect: "changes governors and more"
        ),
        Manager(
            name: "numad", programs: ["numad"], kinds: [.cpuIsolation, .cpuPower],
            effect: "moves processes between nodes"),
        Manager(
            name: "ksmtuned", programs: ["ksmtuned"], kinds: [.ksm],
            effect: "starts and stops samepage merging by load"),
    ]

    let machine: any Machine

    /// Findings by position in a plan: each manager once, with the first resource it may undo.
    func findings(in plan: BoundPlan) -> [Int: [HostFinding]] {
        let resources = plan.items.map(\.resource)
        let kinds = Set(resources.map(\.kind))
        let concerned = Self.managers.filter { !$0.kinds.isDisjoint(with: kinds) }
        if concerned.isEmpty { return [:] }
        let running = runningPrograms()
        var all: [Int: [HostFinding]] = [:]
        for manager in concerned {
            let program = manager.programs.first(where: running.contains)
            guard program != nil || manager.links.contains(where: isThere) else { continue }
            let name = program == nil || program == manager.programs.first ? manager.name : program
            let position = resources.firstIndex { resource in
                manager.kinds.contains(resource.kind) && !agree(manager, resource, kinds)
            }
            guard let position else { continue }
            all[position, default: []].append(
                HostFinding(
                    "other-manager", "\(name ?? manager.name) is active too, and \(manager.effect)")
            )
        }
        return all
    }

    /// irqbalance that was told which CPUs to leave alone chooses among those left.
    private func agree(
        _ manager: Manager, _ resource: PlannedResource, _ kinds: Set<Kind>
    ) -> Bool {
        manager.name == "irqbalance" && kinds.contains(.irqbalance)
            && resource.attributes["spread"]?.bool != true
    }

    private func isThere(_ path: String) -> Bool {
        ((try? machine.statusIfPresent(path)) ?? nil) != nil
    }

    /// The names of programs that run; threads of the kernel are none.
    private func runningPrograms() -> Set<String> {
        var names: Set<String> = []
        for name in (try? machine.list("/proc")) ?? [] where Int(name) != nil {
            guard let comm = (try? machine.textIfPresent("/proc/\(name)/comm")) ?? nil else {
                continue
            }
            names.insert(String(comm.filter { $0 != "\n" }))
            // tuned is a Python script: its name is in the arguments.
            if comm.hasPrefix("tuned") || comm.hasPrefix("python") {
                let line = ((try? machine.textIfPresent("/proc/\(name)/cmdline")) ?? nil) ?? ""
                let words = line.split(separator: "\0").prefix(4)
                if words.contains(where: { $0.hasSuffix("/tuned") }) { names.insert("tuned") }
            }
        }
        return names
    }
}
