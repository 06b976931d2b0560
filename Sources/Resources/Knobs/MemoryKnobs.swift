import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `transparent_hugepages`.
package enum TransparentHugepagesBehaviour: KnobBehaviour {
    package typealias Declaration = TransparentHugepagesDeclaration
    package typealias Observation = KnobObservation

    static func knobs(
        _ declaration: TransparentHugepagesDeclaration, on machine: any Machine
    ) throws(AgentFault) -> KnobSet {
        let folder = "/sys/kernel/mm/transparent_hugepage"
        var set = KnobSet()
        func add(_ attribute: String, _ file: String, _ wanted: String?) {
            guard let wanted else { return }
            set.knobs.append(
                Knob(
                    attribute: attribute, path: "\(folder)/\(file)",
                    form: file.contains("/") ? .word : .choice, wanted: wanted))
        }
        add("enabled", "enabled", declaration.enabled)
        add("defrag", "defrag", declaration.defrag)
        add(
            "khugepaged_defrag", "khugepaged/defrag",
            declaration.khugepagedDefrag.map { $0 ? "1" : "0" })
        add("shmem_enabled", "shmem_enabled", declaration.shmemEnabled)
        return set
    }
}

/// Behaviour of `ksm`.
package enum KSMBehaviour: KnobBehaviour {
    package typealias Declaration = KSMDeclaration
    package typealias Observation = KnobObservation

    static func knobs(
        _ declaration: KSMDeclaration, on machine: any Machine
    ) throws(AgentFault) -> KnobSet {
        KnobSet(
            knobs: declaration.run.map {
                [
                    Knob(
                        attribute: "run", path: "/sys/kernel/mm/ksm/run", form: .number,
                        wanted: String($0))
                ]
            } ?? [])
    }
}

/// Behaviour of `hugepages`.
package enum HugepagesBehaviour: KnobBehaviour {
    package typealias Declaration = HugepagesDeclaration
    package typealias Observation = KnobObservation

    static func knobs(
        _ declaration: HugepagesDeclaration, on machine: any Machine
    ) throws(AgentFault) -> KnobSet {
        let size = "hugepages-\(declaration.kilobytes)kB"
        var set = KnobSet()
        // Pages that the kernel allocates at boot cannot be changed by a write.
        let cost = declaration.isAllocatedAtBoot ? Disruption.reboot : .none
        func add(_ folder: String, _ pages: Int, node: Int? = nil) {
            set.knobs.append(
                Knob(
                    attribute: node == nil ? "pages" : "nodes",
                    path: "\(folder)/\(size)/nr_hugepages", form: .number, wanted: String(pages),
                    instance: node, disruption: cost))
        }
        if let pages = declaration.pages { add("/sys/kernel/mm/hugepages", pages) }
        for (node, pages) in declaration.nodes.sorted(by: { $0.key < $1.key }) {
            let folder = "/sys/devices/system/node/node\(node)"
            if try !isThere(folder, on: machine) {
                set.obstacle = AgentFault(
                    "no-node", "set huge pages of node \(node)",
                    cause: "this machine has no NUMA node \(node)",
                    hint: "muster facts shows the nodes, under numa")
                return set
            }
            add("\(folder)/hugepages", pages, node: node)
        }
        if try !isThere("/sys/kernel/mm/hugepages/\(size)", on: machine) {
            set.obstacle = AgentFault(
                "no-size", "set huge pages of \(declaration.record.name)",
                cause: "this machine has no huge pages of that size",
                hint: "muster facts shows the sizes, under hugepages")
            return set
        }
        set.obstacle = try misfit(declaration, on: machine)
        return set
    }

    private static func isThere(
        _ path: String, on machine: any Machine
    ) throws(AgentFault) -> Bool {
        try attempt("look for \(path)") { () throws(SystemError) in
            try machine.statusIfPresent(path, followLinks: true) != nil
        }
    }

    /// A fault if the pages need more memory than the machine or the node has.
    private static func misfit(
        _ declaration: HugepagesDeclaration, on machine: any Machine
    ) throws(AgentFault) -> AgentFault? {
        func check(_ pages: Int, _ path: String, _ what: String) throws(AgentFault) -> AgentFault? {
            let text = try machine.readText(path)
            guard
                let total = (text ?? "").filledLines.first(where: {
                    $0.contains(text: "MemTotal:")
                })?
                .split(separator: " ").dropLast().last.flatMap({ Int($0) })
            else { return nil }
            guard pages * declaration.kilobytes > total else { return nil }
            return AgentFault(
                "does-not-fit", "set \(pages) huge pages of \(declaration.record.name) on \(what)",
                cause: "that is \(pages * declaration.kilobytes / 1024) MB, and \(what) has "
                    + "\(total / 1024) MB",
                hint: "declare fewer; the kernel and programs also need memory")
        }
        if let pages = declaration.pages,
            let fault = try check(pages, "/proc/meminfo", "this machine")
        {
            return fault
        }
        for (node, pages) in declaration.nodes.sorted(by: { $0.key < $1.key }) {
            let path = "/sys/devices/system/node/node\(node)/meminfo"
            if let fault = try check(pages, path, "node \(node)") { return fault }
        }
        return nil
    }
}
