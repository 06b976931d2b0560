import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `cpu_isolation`: systemd's CPUs, the CPUs that the kernel isolates, and processes
/// that may run on isolated CPUs but should not.
///
/// Other settings that follow from the same CPUs are separate resources in the plan.
package enum CPUIsolationBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        /// Why the CPUs of the plan do not fit this machine; nil if they do.
        var misfit: AgentFault?
        /// The CPUs that the kernel has isolated; nil if it has no such file.
        var isolated: String?
        /// The CPUs on which PID 1 may run.
        var managerCPUs: String
        /// The text of our drop-in of systemd's configuration; nil if it does not exist.
        var managerFile: String?
        /// A file that systemd reads after our drop-in and that also sets CPUAffinity.
        var overriding: String?
        /// Processes that may run on isolated CPUs but should not.
        var strays: [Stray]
        var boot: BootSettings.State
        var partition = Partition()
    }

    package static func observe(
        _ declarations: [CPUIsolationDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        observeEach(declarations) { (declaration) throws(AgentFault) in
            try observe(declaration, on: host.machine)
        }
    }

    private static func observe(
        _ declaration: CPUIsolationDeclaration, on machine: any Machine
    ) throws(AgentFault) -> Observation {
        let file = try machine.readText(CPUIsolationDeclaration.managerFile)
        let status = try machine.readText("/proc/1/status") ?? ""
        let manager = ProcessStatus.allowedCPUs(status)?.text ?? ""
        let boot = try BootSettings.observe(declaration, on: machine)
        let partition = try Partition(on: machine)
        guard declaration.isPresent else {
            return Observation(
                managerCPUs: manager, managerFile: file, strays: [], boot: boot,
                partition: partition)
        }
        let isolated = try machine.readText("/sys/devices/system/cpu/isolated").map(listText)
        let isInPlace =
            declaration.isPartition
            ? partition.holds(declaration.isolated) : isolated == declaration.isolated.text
        return Observation(
            misfit: try misfit(declaration, on: machine), isolated: isolated, managerCPUs: manager,
            managerFile: file, overriding: try overriding(on: machine),
            // Before the CPUs are isolated, any process may run on them.
            strays: isInPlace ? try Stray.find(declaration, on: machine) : [], boot: boot,
            partition: partition)
    }

    /// The normal form of a CPU list that the kernel prints; any other text is only trimmed.
    private static func listText(_ text: String) -> String {
        CPUList(kernelText: text)?.text ?? text.trimmingSpaces()
    }

    /// A fault if the plan would split a core of this machine, or names CPUs that are not online.
    private static func misfit(
        _ declaration: CPUIsolationDeclaration, on machine: any Machine
    ) throws(AgentFault) -> AgentFault? {
        func fault(_ cause: String) -> AgentFault {
            AgentFault(
                "other-machine", "isolate CPU \(declaration.isolated.text)", cause: cause,
                hint: "refresh the facts (muster facts) and plan again")
        }
        guard let onlineText = try machine.readText("/sys/devices/system/cpu/online"),
            let online = CPUList(kernelText: onlineText)
        else { return nil }
        let missing = declaration.isolated.union(declaration.housekeeping).subtracting(online)
        if !missing.isEmpty {
            return fault("CPU \(missing.text) is not online; online are \(online.text)")
        }
        for cpu in declaration.isolated.numbers {
            let folder = "/sys/devices/system/cpu/cpu\(cpu)/topology"
            guard let text = try machine.readText("\(folder)/thread_siblings_list"),
                let siblings = CPUList(kernelText: text)
            else { continue }
            let split = siblings.intersection(online).intersection(declaration.housekeeping)
            if !split.isEmpty {
                return fault("CPU \(cpu) shares a core with housekeeping CPU \(split.text)")
            }
        }
        return nil
    }

    /// A file that systemd reads after ours and that sets CPUAffinity (systemd-system.conf(5)).
    private static func overriding(on machine: any Machine) throws(AgentFault) -> String? {
        let own = PathName.last(of: CPUIsolationDeclaration.managerFile)
        for folder in ["/etc", "/run", "/usr/local/lib", "/usr/lib"] {
            let path = "\(folder)/systemd/system.conf.d"
            let names = try attempt("list \(path)") { () throws(SystemError) in
                try machine.listIfPresent(path)
            }
            for name in names where name.hasSuffix(".conf") && own < name {
                let lines = (try machine.readText("\(path)/\(name)") ?? "").filledLines
                if lines.contains(where: { $0.trimmingSpaces().hasPrefix("CPUAffinity") }) {
                    return "\(path)/\(name)"
                }
            }
        }
        return nil
    }

    /// The text of the drop-in.
    ///
    /// The empty assignment resets the list, because assignments add to each other.
    private static func managerText(_ housekeeping: CPUList) -> String {
        """
        # CPUs that keep house, declared to muster; muster-agent puts this file back.
        [Manager]
        CPUAffinity=
        CPUAffinity=\(housekeeping.text.split(separator: ",").joined(separator: " "))

        """
    }

    package static func diff(
        _ declaration: CPUIsolationDeclaration, _ observation: Observation
    ) -> Difference {
        guard declaration.isPresent else {
            if observation.managerFile == nil, observation.boot.recorded == nil,
                observation.partition.sliceText == nil
            {
                return .asDeclared("services may use all CPUs")
            }
            return .changes([Change("state", before: "present", after: "absent")])
        }
        if let misfit = observation.misfit { return .blocked(misfit) }
        if declaration.isPartition, let missing = observation.partition.missing {
            return .blocked(
                AgentFault(
                    "no-cpuset", "make an isolated partition of CPU \(declaration.isolated.text)",
                    cause: missing,
                    hint: "use mechanism: boot, which isolates with the kernel command line"))
        }
        if let path = observation.overriding {
            return .blocked(
                AgentFault(
                    "overridden", "give services CPU \(declaration.housekeeping.text)",
                    cause: "\(path) is read after our file and sets CPUAffinity too",
                    hint: "remove CPUAffinity from that file"))
        }
        var changes: [Change] = []
        let wanted = managerText(declaration.housekeeping)
        if observation.managerFile != wanted {
            let lines = (observation.managerFile ?? "").filledLines
            let before = lines.last { $0.hasPrefix("CPUAffinity=") }?.dropFirst(12)
            changes.append(
                Change(
                    "housekeeping", before: before.map { .string(String($0)) },
                    after: .string(declaration.housekeeping.text)))
        }
        changes += partitionChanges(declaration, observation.partition)
        let threads = observation.strays.filter(\.isKernelThread)
        if !threads.isEmpty {
            let names = threads.map { "\($0.name) on \($0.cpus.text)" }.joined(separator: ", ")
            changes.append(
                Change(
                    "kernel_threads", layer: .running, before: .string(names),
                    after: .string(declaration.housekeeping.text)))
        }
        // A change of the housekeeping CPUs is already listed above, if there is one.
        for change in BootSettings.changes(declaration, observation.boot)
        where change.attribute != "housekeeping" || changes.isEmpty {
            changes.append(change)
        }
        var running: [Change] = []
        if observation.managerCPUs != declaration.housekeeping.text {
            running.append(
                Change(
                    "housekeeping", layer: .running, before: .string(observation.managerCPUs),
                    after: .string(declaration.housekeeping.text), disruption: .reboot))
        }
        if !declaration.isPartition, let isolated = observation.isolated,
            isolated != declaration.isolated.text
        {
            running.append(
                Change(
                    "isolated", layer: .running, before: .string(isolated),
                    after: .string(declaration.isolated.text), disruption: .reboot))
        }
        if !changes.isEmpty { return .changes(changes + running) }
        if !running.isEmpty {
            return .pending("the next boot isolates CPU \(declaration.isolated.text)", running)
        }
        return .asDeclared(
            "CPU \(declaration.isolated.text) isolated, services on \(declaration.housekeeping.text)"
        )
    }

    private static func partitionChanges(
        _ declaration: CPUIsolationDeclaration, _ partition: Partition
    ) -> [Change] {
        guard declaration.isPartition else {
            if partition.sliceText == nil { return [] }
            return [Change("partition", before: .string(partition.shown), after: "none")]
        }
        var changes: [Change] = []
        if partition.sliceText != Partition.sliceText(declaration.isolated) {
            changes.append(
                Change(
                    "partition", before: partition.sliceText.map { _ in "other" },
                    after: .string(CPUIsolationDeclaration.slice)))
        }
        if !partition.holds(declaration.isolated) {
            changes.append(
                Change(
                    "partition", layer: .running, before: .string(partition.shown),
                    after: .string("isolated \(declaration.isolated.text)")))
        }
        return changes
    }

    package static func findings(
        _ declaration: CPUIsolationDeclaration, _ observation: Observation
    ) -> [HostFinding] {
        observation.strays.filter { !$0.isKernelThread }.map {
            HostFinding("stray", "\($0.label) may run on isolated CPU \($0.cpus.text)")
        }
    }

    package static func beforeImages(
        _ declaration: CPUIsolationDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        let path = CPUIsolationDeclaration.managerFile
        var images = try BootSettings.images(declaration, on: host)
        if declaration.isPartition || observation.partition.sliceText != nil {
            let isActive = observation.partition.type != nil
            images.append(
                .unit(
                    name: CPUIsolationDeclaration.slice, active: isActive ? "active" : "inactive",
                    enabled: "static"))
            if let type = observation.partition.type, ["isolated", "member"].contains(type) {
                images.append(.kernelFile(path: Partition.typeFile, value: type))
            }
        }
        for thread in observation.strays where thread.isKernelThread {
            images.append(.affinity(pid: thread.pid, cpus: thread.allowed.text))
        }
        for path in [PathName.parent(of: path), path, CPUIsolationDeclaration.sliceFile] {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            if found.status?.type != .directory {
                images.append(try found.fullImage(path, on: host))
            }
        }
        return images
    }

    package static func apply(
        _ declaration: CPUIsolationDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let path = CPUIsolationDeclaration.managerFile
        let machine = host.machine
        if changes.contains(where: { $0.attribute == "kernel_threads" }) {
            try move(observation.strays.filter(\.isKernelThread), declaration, on: machine)
        }
        if declaration.isPresent, declaration.isPartition {
            // The running kernel is changed now; the boot record does the same at the next boot.
            if changes.contains(where: { $0.attribute == "partition" }) {
                try Partition.make(declaration.isolated, on: machine)
            }
        } else if observation.partition.sliceText != nil {
            try Partition.unmake(on: machine)
        }
        guard changes.contains(where: { $0.layer == .persisted }) else { return }
        guard declaration.isPresent else {
            try attempt("remove \(path)") { () throws(SystemError) in
                if try machine.statusIfPresent(path) != nil { try machine.remove(path) }
            }
            return try BootSettings.put(declaration, on: host)
        }
        try makeDirectory(PathName.parent(of: path), on: machine)
        try NewFile(
            path: path, content: Array(managerText(declaration.housekeeping).utf8), mode: 0o644,
            uid: 0, gid: 0
        ).put(on: machine)
        try BootSettings.put(declaration, on: host)
    }

    private static func move(
        _ threads: [Stray], _ declaration: CPUIsolationDeclaration, on machine: any Machine
    ) throws(AgentFault) {
        for thread in threads {
            try attempt("move \(thread.label) to CPU \(declaration.housekeeping.text)") {
                () throws(SystemError) in
                do throws(SystemError) {
                    try machine.setAffinity(of: thread.pid, declaration.housekeeping.bytes)
                } catch {
                    // ESRCH: the thread has ended in the meantime.
                    if error.code != ESRCH { throw error }
                }
            }
        }
    }
}
