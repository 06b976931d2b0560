import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// A file in /sys or /proc that holds one setting.
struct Knob: Sendable {
    /// How the value in the file is compared with the declared value.
    enum Form: Sendable {
        /// A word, compared as text.
        case word
        /// One of several words, the one in use in brackets: `always [madvise] never`.
        case choice
        case number
        /// A CPU mask, as a set.
        case mask
        /// A CPU list, as a set.
        case list
        /// A CPU list that must be a subset of the wanted CPUs.
        case within
    }

    /// The attribute that the knob belongs to.
    let attribute: String
    let path: String
    let form: Form
    /// The value to be written.
    let wanted: String
    /// The number of the CPU, node or interrupt, if there is a knob for each.
    var instance: Int?
    /// The disruption that a change causes.
    var disruption = Disruption.none
    /// Whether the kernel may permanently refuse writes, as it does for interrupts that it manages.
    var mayBeFixed = false

    /// The text of the file in a normal form, to be compared with `shown`.
    func normal(_ text: String) -> String {
        let text = String(text.filter { $0 != "\0" }).trimmingSpaces()
        switch form {
        case .word: return text
        case .choice: return KernelFile.value(text)
        case .number: return Int(text).map(String.init) ?? text
        case .mask: return (try? CPUList(parsingMask: text))?.text ?? text
        case .list, .within: return CPUList(kernelText: text)?.text ?? text
        }
    }

    /// The wanted value in normal form, for display and comparison.
    var shown: String { normal(wanted) }

    /// Whether a value in normal form meets the wanted value.
    func isMet(by text: String) -> Bool {
        guard form == .within, let found = try? CPUList(parsing: text),
            let among = try? CPUList(parsing: wanted)
        else { return text == shown }
        return !found.isEmpty && found.subtracting(among).isEmpty
    }

    /// Whether the wanted word is among the choices in the file; true for other forms.
    func offers(_ text: String) -> Bool {
        guard form == .choice else { return true }
        let words = text.split(whereSeparator: \.isWhitespace).map {
            $0.filter { !"[]".contains($0) }
        }
        return words.contains(wanted)
    }
}

/// The knobs of one resource, with the values found.
package struct KnobObservation: Sendable {
    enum Reading: Sendable, Equatable {
        /// The value in normal form, and the unchanged text of the file.
        case value(String, raw: String)
        case missing
        case unreadable(String)
    }

    var readings: [(knob: Knob, reading: Reading)]
    /// Attributes that do not apply to this machine, and why.
    var notApplicable: [(attribute: String, reason: String)]
    /// Why the declaration cannot be applied, known before anything is changed.
    var obstacle: AgentFault?
    /// Further remarks to report if all is as declared.
    var remarks: [String] = []
    var boot: BootSettings.State
}

/// The knobs that a kind gives for one declaration on one machine.
struct KnobSet {
    var knobs: [Knob] = []
    var notApplicable: [(attribute: String, reason: String)] = []
    var obstacle: AgentFault?
    var remarks: [String] = []
}

/// A kind whose resources are knobs, which ``BootSettings`` sets again at each boot.
protocol KnobBehaviour: ResourceBehaviour
where Declaration: BootKeptDeclaration, Observation == KnobObservation {
    /// The knobs of a declaration on a machine; reads from the machine what is needed for that.
    static func knobs(
        _ declaration: Declaration, on machine: any Machine
    ) throws(AgentFault) -> KnobSet

    /// Records the knobs for which the kernel permanently refuses writes.
    static func remember(fixed: [Knob], on machine: any Machine) throws(AgentFault)

    /// The paths of that record, the directories above it first.
    static var notes: [String] { get }
}

extension KnobBehaviour {
    static func remember(fixed: [Knob], on machine: any Machine) throws(AgentFault) {}
    static var notes: [String] { [] }

    package static func observe(
        _ declarations: [Declaration], on host: Host
    ) -> [Result<KnobObservation, AgentFault>] {
        observeEach(declarations) { (declaration) throws(AgentFault) in
            try observation(of: declaration, on: host.machine) { () throws(AgentFault) in
                try knobs(declaration, on: host.machine)
            }
        }
    }

    /// The values of the knobs, and the record for the next boot.
    ///
    /// For an absent resource, only the boot record is read.
    static func observation(
        of declaration: Declaration, on machine: any Machine,
        knobs: () throws(AgentFault) -> KnobSet
    ) throws(AgentFault) -> KnobObservation {
        let boot = try BootSettings.observe(declaration, on: machine)
        guard declaration.isPresent else {
            return KnobObservation(readings: [], notApplicable: [], boot: boot)
        }
        let set = try knobs()
        return KnobObservation(
            readings: set.knobs.map { ($0, read($0, on: machine)) },
            notApplicable: set.notApplicable, obstacle: set.obstacle, remarks: set.remarks,
            boot: boot)
    }

    static func read(_ knob: Knob, on machine: any Machine) -> KnobObservation.Reading {
        do throws(SystemError) {
            let bytes = try machine.read(knob.path, limit: 1 << 16)
            let text = String(decoding: bytes, as: UTF8.self)
            return .value(knob.normal(text), raw: text)
        } catch {
            return error.isNotFound ? .missing : .unreadable(error.reason)
        }
    }

    package static func diff(
        _ declaration: Declaration, _ observation: KnobObservation
    ) -> Difference {
        let persisted = BootSettings.changes(declaration, observation.boot)
        guard declaration.isPresent else {
            return persisted.isEmpty ? .asDeclared("no boot record") : .changes(persisted)
        }
        if let obstacle = observation.obstacle { return .blocked(obstacle) }
        for (knob, reading) in observation.readings {
            if case .unreadable(let reason) = reading {
                return .unknown("\(knob.path) cannot be read: \(reason)")
            }
            if case .value(_, let raw) = reading, !knob.offers(raw) {
                return .blocked(
                    AgentFault(
                        "not-offered", "set \(knob.attribute) to \(knob.wanted)",
                        cause: "\(knob.path) offers \(raw.trimmingSpaces())",
                        hint: "declare one of these"))
            }
        }
        let there = observation.readings.filter { $0.reading != .missing }
        var absent = observation.notApplicable
        for (knob, reading) in observation.readings where reading == .missing {
            if !there.contains(where: { $0.knob.attribute == knob.attribute }),
                !absent.contains(where: { $0.attribute == knob.attribute })
            {
                absent.append((knob.attribute, "there is no \(knob.path)"))
            }
        }
        let reasons = absent.map { "\($0.attribute): \($0.reason)" }.joined(separator: "; ")
        if there.isEmpty, !absent.isEmpty { return .notApplicable(reasons) }
        let changes = runningChanges(there) + persisted
        if !changes.isEmpty, changes.allSatisfy(\.isMadeByReboot) {
            return .pending("takes effect at the next boot", changes)
        }
        if !changes.isEmpty { return .changes(changes) }
        let holds = summary(there) + (declaration.isKept ? ", kept for the next boot" : "")
        let parts = [holds] + observation.remarks + [reasons]
        return .asDeclared(parts.filter { !$0.isEmpty }.joined(separator: "; "))
    }

    /// One change for each attribute that differs, for all of its knobs.
    private static func runningChanges(
        _ readings: [(knob: Knob, reading: KnobObservation.Reading)]
    ) -> [Change] {
        var changes: [Change] = []
        for attribute in attributes(readings) {
            let all = readings.filter { $0.knob.attribute == attribute }
            let off = all.filter { !$0.knob.isMet(by: $0.reading.text ?? "") }
            guard let first = off.first else { continue }
            let sameEverywhere = Set(all.map(\.knob.shown)).count == 1
            changes.append(
                Change(
                    attribute, layer: .running,
                    before: .string(KnobText.values(off.map { ($0.knob, $0.reading.text ?? "") })),
                    after: .string(
                        sameEverywhere
                            ? first.knob.shown
                            : KnobText.values(off.map { ($0.knob, $0.knob.shown) })),
                    disruption: off.map(\.knob.disruption).max() ?? .none))
        }
        return changes
    }

    private static func attributes(
        _ readings: [(knob: Knob, reading: KnobObservation.Reading)]
    ) -> [String] {
        var names: [String] = []
        for (knob, _) in readings where !names.contains(knob.attribute) {
            names.append(knob.attribute)
        }
        return names
    }

    private static func summary(
        _ readings: [(knob: Knob, reading: KnobObservation.Reading)]
    ) -> String {
        attributes(readings).map { attribute in
            let all = readings.filter { $0.knob.attribute == attribute }
            return "\(attribute) \(KnobText.values(all.map { ($0.knob, $0.reading.text ?? "") }))"
        }.joined(separator: ", ")
    }

    package static func beforeImages(
        _ declaration: Declaration, _ observation: KnobObservation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images = try BootSettings.images(declaration, on: host)
        for path in notes {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            if found.status?.type != .directory {
                images.append(try found.fullImage(path, on: host))
            }
        }
        for (knob, reading) in observation.readings {
            guard case .value(let text, let raw) = reading, !knob.isMet(by: text) else { continue }
            images.append(.kernelFile(path: knob.path, value: knob.restoring(raw)))
        }
        return images
    }

    package static func apply(
        _ declaration: Declaration, _ observation: KnobObservation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        // The kernel comes first: a value that it refuses must not be recorded for the next boot.
        if changes.contains(where: { $0.layer == .running }) {
            try set(observation.readings, on: host.machine)
        }
        if changes.contains(where: { $0.layer == .persisted }) {
            try BootSettings.put(declaration, on: host)
        }
    }

    /// Sets the knobs that differ; if one is refused, the ones set before are restored.
    private static func set(
        _ readings: [(knob: Knob, reading: KnobObservation.Reading)], on machine: any Machine
    ) throws(AgentFault) {
        var fixed: [Knob] = []
        try undoing { (undo) throws(AgentFault) in
            for (knob, reading) in readings where knob.disruption < .reboot {
                guard case .value(let text, let raw) = reading, !knob.isMet(by: text) else {
                    continue
                }
                undo.add(.kernelFile(knob.path, knob.restoring(raw), on: machine))
                do throws(SystemError) {
                    try machine.writeInPlace(knob.path, Array((knob.wanted + "\n").utf8))
                } catch {
                    if knob.mayBeFixed, [EIO, EPERM].contains(error.code) {
                        fixed.append(knob)
                        continue
                    }
                    throw KnobText.refusal(knob, error)
                }
                let now = read(knob, on: machine).text
                guard let now, knob.isMet(by: now) else {
                    throw KnobText.notTaken(knob, now ?? "nothing")
                }
            }
        }
        if !fixed.isEmpty { try remember(fixed: fixed, on: machine) }
    }
}

extension KnobObservation.Reading {
    var text: String? {
        if case .value(let text, _) = self { text } else { nil }
    }
}

extension Knob {
    /// The text to be written to restore what was read.
    fileprivate func restoring(_ raw: String) -> String {
        form == .choice ? normal(raw) : raw.trimmingSpaces()
    }
}

/// Texts about knobs.
enum KnobText {
    /// The fault for a write that the kernel accepted, but with another resulting value.
    static func notTaken(_ knob: Knob, _ now: String) -> AgentFault {
        if knob.path.hasSuffix("/nr_hugepages") {
            return AgentFault(
                "partial", "allocate \(knob.wanted) huge pages with \(knob.path)",
                cause: "the kernel allocated \(now); memory is in use or fragmented",
                hint: "allocate them at boot: by the boot unit or the kernel command line")
        }
        return AgentFault(
            "not-taken", "set \(knob.path) to \(knob.wanted)",
            cause: "after the write, the file reads \(now)",
            hint: "the kernel adjusted the value; declare one that it accepts unchanged")
    }

    /// The value if all are equal; otherwise each value with the numbers of its instances.
    static func values(_ values: [(knob: Knob, value: String)]) -> String {
        var groups: [(value: String, of: [Int])] = []
        for (knob, value) in values {
            if let index = groups.firstIndex(where: { $0.value == value }) {
                groups[index].of += [knob.instance].compactMap { $0 }
            } else {
                groups.append((value, [knob.instance].compactMap { $0 }))
            }
        }
        guard groups.count > 1 else { return groups.first?.value ?? "" }
        return groups.map { group in
            group.of.isEmpty ? group.value : "\(group.value) on \(CPUList(group.of).text)"
        }.joined(separator: "; ")
    }

    static func refusal(_ knob: Knob, _ error: SystemError) -> AgentFault {
        let attempted = "set \(knob.path) to \(knob.wanted)"
        switch error.code {
        case EINVAL, ERANGE, EDOM, ENODEV, EBUSY, EOPNOTSUPP, EIO:
            return AgentFault(
                "refused", attempted, cause: "the kernel refuses it: \(error.reason)",
                hint: "the kernel, firmware or hypervisor of this host may not allow it; see dmesg")
        case EROFS, EACCES, EPERM:
            return AgentFault(
                "read-only", attempted, cause: "the file is read-only here: \(error.reason)",
                hint: "in a container, declare it on the host outside; lockdown may forbid it")
        default: return AgentFault(attempted, error)
        }
    }
}
