import FleetModel
import Glibc
import Journal
import Kinds
import Linux
import Resources
import Wire

@testable import AgentCore

/// A machine of named values, which records what is done to it.
final class ValueMachine: Machine {
    var values: [String: String] = [:]
    /// What happened, in order: `observe a b`, `apply a`, `handler h`.
    var events: [String] = []

    init(_ values: [String: String] = [:]) { self.values = values }

    func status(_ path: String, followLinks: Bool) throws(SystemError) -> FileStatus {
        throw unsupported
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
    func run(_ call: ProgramCall) throws(SystemError) -> ProgramResult { throw unsupported }
    func replaceFile(
        _ path: String, content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32
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
}

/// A toy kind with nothing peculiar.
enum Plain: ToyTraits {
    static let changes = KindTraits.Changes.claims
}

/// A toy kind whose changes may touch anything.
enum Opaque: ToyTraits {
    static let changes = KindTraits.Changes.anything
}

/// A declaration of a value; its attributes say how the behaviour is to misbehave.
struct FakeDeclaration<Toy: ToyTraits>: ResourceDeclaration {
    static var schema: KindSchema {
        KindSchema(
            .file, "",
            traits: KindTraits(
                changes: Toy.changes, reads: .claims, names: .exact, remains: .listed, rivals: []),
            nameType: .string, nameSummary: "", attributes: [], example: "")
    }

    let name: String
    let value: String
    /// A name that must have a value, else the resource is blocked.
    let needed: String?
    let disruption: Disruption
    /// `refuses` throws, `lies` changes nothing, `breaks` changes it to something else and throws.
    let trick: String
    let owns: [Claim]

    init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        self.name = name
        value = try reader.string("value")
        needed = try reader.optionalString("needed")
        trick = try reader.optionalString("trick") ?? ""
        disruption =
            Disruption(rawValue: try reader.optionalString("disruption") ?? "none") ?? .none
        owns = [.path(try reader.optionalString("path") ?? "/values/" + name)]
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
        [.sysctl(key: declaration.name, value: observation.value ?? "")]
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
        default: machine.values[declaration.name] = declaration.value
        }
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

    func intend(_ intent: ChangeIntent) throws(AgentFault) {
        try fail("intend")
        machine.events.append("intend \(intent.name)")
        pending += intent.handlers
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
