import FleetModel
import Glibc
import Journal
import Kinds
import Linux
import TestSupport
import Wire

@testable import AgentCore
@testable import Resources

/// A machine of named values, which records what is done to it.
final class ValueMachine: Machine {
    var values: [String: String] = [:]
    /// What happened, in order: `observe a b`, `apply a`, `handler h`.
    var events: [String] = []

    /// Programs that fail, by the last part of their path.
    var failing: Set<String> = []

    init(_ values: [String: String] = [:]) { self.values = values }

    func status(_ path: String, followLinks: Bool) throws(SystemError) -> FileStatus {
        guard path == "/usr/sbin/update-initramfs" else { throw unsupported }
        return FileStatus(type: .file, mode: 0o755, uid: 0, gid: 0, device: 1)
    }
    func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] { throw unsupported }
    func read(_ path: String, inPieces body: ([UInt8]) -> Void) throws(SystemError) {
        throw unsupported
    }
    func read(_ path: String, from offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        throw unsupported
    }
    func linkTarget(_ path: String) throws(SystemError) -> String { throw unsupported }
    func list(_ path: String) throws(SystemError) -> [String] { throw unsupported }
    func run(_ call: ProgramCall) throws(SystemError) -> ProgramResult {
        let name = PathName.last(of: call.path)
        events.append("run \(name)")
        return ProgramResult(end: .exited(failing.contains(name) ? 1 : 0))
    }
    func replaceFile(
        _ path: String, content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) { throw unsupported }
    func replaceFile(
        _ path: String, copyOf source: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) { throw unsupported }
    func writeInPlace(_ path: String, _ content: [UInt8]) throws(SystemError) { throw unsupported }
    func makeDirectory(
        _ path: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) { throw unsupported }
    func replaceLink(_ path: String, target: String) throws(SystemError) { throw unsupported }
    func askLink(
        _ interface: String, _ request: LinkRequest, _ message: [UInt8]
    ) throws(SystemError) -> [UInt8] { throw unsupported }
    func askChrony(_ message: [UInt8]) throws(SystemError) -> [UInt8] { throw unsupported }
    func setAffinity(of pid: Int, _ mask: [UInt8]) throws(SystemError) { throw unsupported }
    func setMode(_ path: String, _ mode: UInt32) throws(SystemError) { throw unsupported }
    func setOwner(_ path: String, uid: UInt32, gid: UInt32) throws(SystemError) {
        throw unsupported
    }
    func rename(_ from: String, to: String) throws(SystemError) { throw unsupported }
    func remove(_ path: String) throws(SystemError) { throw unsupported }

    private var unsupported: SystemError {
        SystemError(call: "fake", object: "machine", code: ENOSYS)
    }
}

/// What is peculiar about a toy kind: the engine knows it by this alone.
protocol ToyTraits: Sendable {
    static var changes: KindTraits.Changes { get }
    static var reads: KindTraits.Reads { get }
    static var isAppliedTogether: Bool { get }
}

extension ToyTraits {
    static var changes: KindTraits.Changes { .claims }
    static var reads: KindTraits.Reads { .claims }
    static var isAppliedTogether: Bool { false }
}

/// A toy kind with nothing peculiar.
enum Plain: ToyTraits {}

/// A toy kind whose changes may touch anything.
enum Opaque: ToyTraits {
    static let changes = KindTraits.Changes.anything
}

/// A toy kind that may depend on anything.
enum Nosy: ToyTraits {
    static let reads = KindTraits.Reads.anything
}

/// A toy kind that starts units.
enum Starting: ToyTraits {
    static let reads = KindTraits.Reads.units
}

/// A toy kind of which several are changed in one go.
enum Together: ToyTraits {
    static let isAppliedTogether = true
}

/// A declaration of a value; its attributes say how the behaviour is to misbehave.
struct FakeDeclaration<Toy: ToyTraits>: ResourceDeclaration {
    static var schema: KindSchema {
        KindSchema(
            .file, "",
            traits: KindTraits(
                changes: Toy.changes, reads: Toy.reads, names: .exact, remains: .listed,
                rivals: []),
            nameType: .string, nameSummary: "", attributes: [], example: "")
    }

    let name: String
    let value: String
    /// A name that must have a value, else the resource is blocked.
    let needed: String?
    let disruption: Disruption
    /// `refuses` throws, `lies` changes nothing, `breaks` changes it to something else and throws,
    /// `unread` has no before-image.
    let trick: String
    /// Work that the change waits for, and whether a value changes only after it.
    let work: SharedWork?
    let isFollowed: Bool
    let owns: [Claim]
    let needs: [Claim]

    init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        self.name = name
        value = try reader.string("value")
        needed = try reader.optionalString("needed")
        trick = try reader.optionalString("trick") ?? ""
        work = try reader.optionalString("work").flatMap(SharedWork.init(rawValue:))
        isFollowed = try reader.bool("followed", default: false)
        disruption =
            Disruption(rawValue: try reader.optionalString("disruption") ?? "none") ?? .none
        owns = [.path(try reader.optionalString("path") ?? "/values/" + name)]
        needs = try reader.optionalString("needs").map { [.path($0)] } ?? []
    }
}

/// The behaviour of ``FakeDeclaration`` on a ``ValueMachine``.
enum FakeBehaviour<Toy: ToyTraits>: ResourceBehaviour {
    typealias Declaration = FakeDeclaration<Toy>

    struct Observation: Sendable {
        let value: String?
        let isBlocked: Bool
    }

    static func observe(
        _ declarations: [Declaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        guard let machine = host.machine as? ValueMachine else { return [] }
        machine.events.append("observe " + declarations.map(\.name).joined(separator: " "))
        return declarations.map { declaration in
            let isBlocked = declaration.needed.map { machine.values[$0] == nil } ?? false
            return .success(
                Observation(value: machine.values[declaration.name], isBlocked: isBlocked))
        }
    }

    static func diff(_ declaration: Declaration, _ observation: Observation) -> Difference {
        switch declaration.trick {
        case "absent": return .notApplicable("no such thing")
        case "unclear": return .unknown("nobody knows")
        default: break
        }
        if observation.isBlocked {
            return .blocked(AgentFault("missing", "make it", cause: "a needed thing is missing"))
        }
        if observation.value == declaration.value { return .asDeclared("same value") }
        return .changes([
            Change(
                "value", before: .optional(observation.value), after: .string(declaration.value),
                disruption: declaration.disruption)
        ])
    }

    static func beforeImages(
        _ declaration: Declaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        if declaration.trick == "unread" {
            throw AgentFault("unread", "keep what was there", cause: "it cannot be read")
        }
        return [.sysctl(key: declaration.name, value: observation.value ?? "")]
    }

    static var isAppliedTogether: Bool { Toy.isAppliedTogether }

    static func apply(_ due: [DueChange<Self>], on host: Host) -> [ChangeOutcome] {
        if Toy.isAppliedTogether, let machine = host.machine as? ValueMachine {
            machine.events.append("together " + due.map(\.declaration.name).joined(separator: " "))
        }
        return due.map { one in
            host.outcome { () throws(AgentFault) in
                try apply(one.declaration, one.observation, changes: one.changes, on: host)
            }
        }
    }

    static func apply(
        _ declaration: Declaration, _ observation: Observation, changes: [Change], on host: Host
    ) throws(AgentFault) {
        guard let machine = host.machine as? ValueMachine else { return }
        machine.events.append("apply \(declaration.name)")
        switch declaration.trick {
        case "refuses": throw AgentFault("refused", "set it", cause: "it will not")
        case "lies": return
        case "breaks":
            machine.values[declaration.name] = "broken"
            throw AgentFault("broken", "set it", cause: "it broke")
        default: break
        }
        let set = { () throws(AgentFault) in machine.values[declaration.name] = declaration.value }
        guard let work = declaration.work else { return try set() }
        let before = machine.values[declaration.name]
        if !declaration.isFollowed { try set() }
        try host.share(
            SharedWait(
                work, isFollowed: declaration.isFollowed,
                finish: declaration.isFollowed ? set : { () throws(AgentFault) in },
                undo: { fault in
                    machine.events.append("undo \(declaration.name)")
                    machine.values[declaration.name] = before
                    return fault
                }))
    }
}

/// A log in memory.
final class RecordingLog: ApplyLog {
    var pending: [PlannedHandler]
    let machine: ValueMachine
    /// Makes every call of this name fail.
    var failing: String?

    init(_ machine: ValueMachine, pending: [PlannedHandler] = []) {
        self.machine = machine
        self.pending = pending
    }

    private func fail(_ call: String) throws(AgentFault) {
        if failing == call { throw AgentFault("no-space", "write the journal", cause: "full") }
    }

    func intend(_ intents: [ChangeIntent]) throws(AgentFault) {
        try fail("intend")
        machine.events.append("intend " + intents.map(\.name).joined(separator: " "))
        for handler in intents.flatMap(\.handlers)
        where !pending.contains(where: { $0.address == handler.address }) {
            pending.append(handler)
        }
    }

    func finish(_ address: String, _ failure: ChangeFailure?) throws(AgentFault) {
        try fail("finish")
        let outcome = failure.map { $0.isUntouched ? "untouched" : "failed" } ?? "done"
        machine.events.append("\(outcome) \(address)")
    }

    func finishHandler(_ address: String, _ fault: AgentFault?) throws(AgentFault) {
        if fault == nil { pending.removeAll { $0.address == address } }
    }
}

/// A resource of a fake plan.
func fake(
    _ name: String, _ value: String = "new", kind: Kind = .file, requires: [String] = [],
    notify: [String] = [], with attributes: [String: JSON] = [:]
) -> PlannedResource {
    PlannedResource(
        address: name, kind: kind, name: name,
        attributes: attributes.merging(["value": .string(value)]) { first, _ in first },
        requires: requires, notify: notify)
}
