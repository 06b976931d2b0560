import FleetModel
import Kinds
import Linux
import SystemFaults

/// Behaviour of `irq_affinity`.
package enum IRQAffinityBehaviour: KnobBehaviour {
    package typealias Declaration = IRQAffinityDeclaration
    package typealias Observation = KnobObservation

    /// `all` leaves out the interrupts that other declarations name.
    package static var isObservedTogether: Bool { true }

    package static func observe(
        _ declarations: [IRQAffinityDeclaration], on host: Host
    ) -> [Result<KnobObservation, AgentFault>] {
        let interrupts: Interrupts
        // The interrupts that other declarations name, which `all` must not change.
        var taken: Set<Int> = []
        do throws(AgentFault) {
            interrupts = try Interrupts(on: host.machine)
            for declaration in declarations
            where declaration.isPresent && !["all", "default"].contains(declaration.name) {
                taken.formUnion(try interrupts.of(declaration.name) ?? [])
            }
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return observeEach(declarations) { (declaration) throws(AgentFault) in
            try observation(of: declaration, on: host.machine) { () throws(AgentFault) in
                try knobs(declaration, among: interrupts, besides: taken)
            }
        }
    }

    static func knobs(
        _ declaration: IRQAffinityDeclaration, on machine: any Machine
    ) throws(AgentFault) -> KnobSet {
        try knobs(declaration, among: try Interrupts(on: machine), besides: [])
    }

    private static func knobs(
        _ declaration: IRQAffinityDeclaration, among interrupts: Interrupts,
        besides taken: Set<Int>
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
            numbers = interrupts.requested.filter { !taken.contains($0) }
        } else if let found = try interrupts.of(declaration.name) {
            numbers = found
        } else {
            return KnobSet(
                obstacle: AgentFault(
                    "no-device", "find the interrupts of \(declaration.name)",
                    cause: "there is no such device on a bus",
                    hint:
                        "name an interface in /sys/class/net or a PCI address: muster facts lists "
                        + "nics"))
        }
        let fixed = interrupts.fixed
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

/// The interrupts of a machine, listed once, because a large machine has thousands.
struct Interrupts {
    static let note = "/run/muster/managed_irqs"

    private let machine: any Machine
    /// The interrupts that a driver has requested, in ascending order.
    let requested: [Int]
    /// The interrupts that could not be moved since the last boot.
    let fixed: Set<Int>

    init(on machine: any Machine) throws(AgentFault) {
        self.machine = machine
        fixed = try Interrupts.fixed(on: machine)
        let names = try attempt("list /proc/irq") { () throws(SystemError) in
            try machine.list("/proc/irq")
        }
        var requested: [Int] = []
        for number in names.compactMap({ Int($0) }).sorted() {
            let folder = "/proc/irq/\(number)"
            // The kernel creates a subdirectory for each action of a driver.
            let hasAction = try attempt("list \(folder)") { () throws(SystemError) in
                for name in try machine.listIfPresent(folder) {
                    let status = try machine.statusIfPresent("\(folder)/\(name)")
                    if status?.type == .directory { return true }
                }
                return false
            }
            if hasAction { requested.append(number) }
        }
        self.requested = requested
    }

    /// The interrupts of a network interface or a PCI device, in ascending order.
    ///
    /// Nil if there is no such device.
    func of(_ device: String) throws(AgentFault) -> [Int]? {
        var folder = "/sys/class/net/\(device)/device"
        if device.contains(":") { folder = "/sys/bus/pci/devices/\(device)" }
        let isThere = try attempt("look for \(device)") { () throws(SystemError) in
            try machine.statusIfPresent(folder, followLinks: true) != nil
        }
        if !isThere { return nil }
        // A virtio device is a child of the PCI device that has the vectors.
        for place in ["\(folder)/msi_irqs", "\(folder)/../msi_irqs"] {
            let names = try attempt("list \(place)") { () throws(SystemError) in
                try machine.listIfPresent(place)
            }
            let vectors = Set(names.compactMap { Int($0) })
            let numbers = requested.filter(vectors.contains)
            if !numbers.isEmpty { return numbers }
        }
        let line = try machine.readText("\(folder)/irq")
        let number = Int((line ?? "").trimmingSpaces())
        return requested.filter { $0 == number && $0 > 0 }
    }

    private static func fixed(on machine: any Machine) throws(AgentFault) -> Set<Int> {
        let text = try machine.readText(note)
        return Set((text ?? "").filledLines.compactMap { Int($0) })
    }

    static func remember(fixed numbers: [Int], on machine: any Machine) throws(AgentFault) {
        try makeDirectory("/run/muster", on: machine)
        let all = try fixed(on: machine).union(numbers).sorted()
        let text = all.map { "\($0)\n" }.joined()
        try NewFile(path: note, content: Array(text.utf8), mode: 0o644, uid: 0, gid: 0)
            .put(on: machine)
    }
}
