import FleetModel
import Kinds
import Linux

/// Behaviour of `irq_affinity`.
package enum IRQAffinityBehaviour: KnobBehaviour {
    package typealias Declaration = IRQAffinityDeclaration
    package typealias Observation = KnobObservation

    /// `all` leaves out what the others name.
    package static var isObservedTogether: Bool { true }

    package static func observe(
        _ declarations: [IRQAffinityDeclaration], on host: Host
    ) -> [Result<KnobObservation, AgentFault>] {
        // What `all` is not to touch, other declarations name.
        var taken: Set<Int> = []
        for declaration in declarations where !["all", "default"].contains(declaration.name) {
            taken.formUnion((try? Interrupts.of(declaration.name, on: host.machine)) ?? [])
        }
        return declarations.map { declaration in
            do throws(AgentFault) {
                let boot = try BootSettings.observe(declaration.record, on: host.machine)
                guard declaration.isPresent else {
                    return .success(KnobObservation(readings: [], notApplicable: [], boot: boot))
                }
                let set = try knobs(declaration, besides: taken, on: host.machine)
                return .success(
                    KnobObservation(
                        readings: set.knobs.map { ($0, read($0, on: host.machine)) },
                        notApplicable: set.notApplicable, obstacle: set.obstacle,
                        remarks: set.remarks, boot: boot))
            } catch {
                return .failure(error)
            }
        }
    }

    static func knobs(
        _ declaration: IRQAffinityDeclaration, on machine: any Machine
    ) throws(AgentFault) -> KnobSet {
        try knobs(declaration, besides: [], on: machine)
    }

    private static func knobs(
        _ declaration: IRQAffinityDeclaration, besides taken: Set<Int>, on machine: any Machine
    ) throws(AgentFault) -> KnobSet {
        guard let cpus = declaration.cpus else { return KnobSet() }
        if declaration.name == "default" {
            return KnobSet(knobs: [
                Knob(
                    attribute: "cpus", path: "/proc/irq/default_smp_affinity", form: .mask,
                    wanted: cpus.mask)
            ])
        }
        let isAll = declaration.name == "all"
        let numbers: [Int]
        if isAll {
            numbers = try Interrupts.all(on: machine).filter { !taken.contains($0) }
        } else {
            do throws(AgentFault) {
                numbers = try Interrupts.of(declaration.name, on: machine)
            } catch {
                guard error.code == "no-device" else { throw error }
                return KnobSet(obstacle: error)
            }
        }
        let fixed = try Interrupts.fixed(on: machine)
        let movable = numbers.filter { !fixed.contains($0) }
        var set = KnobSet()
        for (place, number) in movable.enumerated() {
            let target =
                declaration.isSpread ? String(cpus.numbers[place % cpus.numbers.count]) : cpus.text
            set.knobs.append(
                Knob(
                    attribute: "cpus", path: "/proc/irq/\(number)/smp_affinity_list",
                    form: declaration.isSpread ? .list : .within, wanted: target, instance: number,
                    mayBeFixed: true))
        }
        let kept = numbers.filter(fixed.contains)
        if !kept.isEmpty {
            set.remarks.append("the kernel manages \(CPUList(kept).text) and moves them itself")
        }
        if numbers.isEmpty {
            set.notApplicable.append(
                ("cpus", "\(declaration.name) has no interrupts; a link that is down has none"))
        }
        return set
    }

    static var notes: [String] { ["/run/muster", Interrupts.note] }

    static func remember(fixed: [Knob], on machine: any Machine) throws(AgentFault) {
        try Interrupts.remember(fixed: fixed.compactMap(\.instance), on: machine)
    }
}

/// Interrupts by number.
enum Interrupts {
    static let note = "/run/muster/managed_irqs"

    /// Those that somebody has requested: the kernel makes a directory for each action.
    static func all(on machine: any Machine) throws(AgentFault) -> [Int] {
        let names = try attempt("list /proc/irq") { () throws(SystemError) in
            try machine.list("/proc/irq")
        }
        var requested: [Int] = []
        for number in names.compactMap({ Int($0) }).sorted() {
            let folder = "/proc/irq/\(number)"
            let hasAction = try attempt("list \(folder)") { () throws(SystemError) in
                for name in try machine.listIfPresent(folder) {
                    let status = try machine.statusIfPresent("\(folder)/\(name)")
                    if status?.type == .directory { return true }
                }
                return false
            }
            if hasAction { requested.append(number) }
        }
        return requested
    }

    /// Those of a network interface or a PCI device, in the order of its vectors.
    static func of(_ device: String, on machine: any Machine) throws(AgentFault) -> [Int] {
        var folder = "/sys/class/net/\(device)/device"
        if device.contains(":") { folder = "/sys/bus/pci/devices/\(device)" }
        let isThere = try attempt("look for \(device)") { () throws(SystemError) in
            try machine.statusIfPresent(folder, followLinks: true) != nil
        }
        guard isThere else {
            throw AgentFault(
                "no-device", "find the interrupts of \(device)",
                cause: "there is no such device with a place on a bus",
                hint:
                    "name an interface of /sys/class/net or a PCI address: muster facts lists nics")
        }
        // A virtio device is below the PCI device that has the vectors.
        for place in ["\(folder)/msi_irqs", "\(folder)/../msi_irqs"] {
            let names = try attempt("list \(place)") { () throws(SystemError) in
                try machine.listIfPresent(place)
            }
            let requested = try all(on: machine)
            let numbers = names.compactMap { Int($0) }.filter(requested.contains).sorted()
            if !numbers.isEmpty { return numbers }
        }
        let line = try attempt("read \(folder)/irq") { () throws(SystemError) in
            try machine.textIfPresent("\(folder)/irq")
        }
        guard let number = Int((line ?? "").trimmingSpaces()), number > 0,
            try all(on: machine).contains(number)
        else { return [] }
        return [number]
    }

    /// Those that refused to be moved since the last boot.
    static func fixed(on machine: any Machine) throws(AgentFault) -> Set<Int> {
        let text = try attempt("read \(note)") { () throws(SystemError) in
            try machine.textIfPresent(note)
        }
        return Set((text ?? "").split(separator: "\n").compactMap { Int($0) })
    }

    static func remember(fixed numbers: [Int], on machine: any Machine) throws(AgentFault) {
        try makeDirectory("/run/muster", on: machine)
        let all = try fixed(on: machine).union(numbers).sorted()
        let text = all.map { "\($0)\n" }.joined()
        try NewFile(path: note, content: Array(text.utf8), mode: 0o644, uid: 0, gid: 0)
            .put(on: machine)
    }
}
