import FleetModel
import Kinds
import Linux
import Resources
import Wire

/// What is known of one resource after it was observed.
enum Finding {
    case difference(Difference)
    /// It could not be observed.
    case failure(AgentFault)

    var isAsDeclared: Bool {
        if case .difference(.asDeclared) = self { true } else { false }
    }
}

/// All resources of one kind in a plan, behind the type of their behaviour.
protocol KindBatch: AnyObject {
    /// Adds a resource; its place in the batch is the count before.
    func add(name: String, attributes: [String: JSON]) throws(AttributeFault)
    func declaration(_ place: Int) -> any ResourceDeclaration
    /// Observes the resources at these places in one go and remembers what was found.
    func observe(_ places: [Int], on host: Host)
    func finding(_ place: Int) -> Finding
    /// Findings that no apply can correct.
    func remarks(_ place: Int) -> [HostFinding]
    /// Whether all due resources of the kind are changed in one go.
    var isAppliedTogether: Bool { get }
    /// Reads the before-images; one answer for each resource, in the same order.
    func beforeImages(
        _ due: [PlaceDue], on host: Host
    ) -> [Result<[BeforeImage], AgentFault>]
    /// Changes resources; one outcome for each, in the same order.
    func apply(_ due: [PlaceDue], on host: Host) -> [ChangeOutcome]
}

/// A resource of a batch that is to be changed.
struct PlaceDue {
    let place: Int
    let changes: [Change]
}

/// The batch of one behaviour.
final class TypedBatch<Behaviour: ResourceBehaviour>: KindBatch {
    private var declarations: [Behaviour.Declaration] = []
    private var names: [String] = []
    private var observations: [Result<Behaviour.Observation, AgentFault>] = []

    init(_: Behaviour.Type) {}

    func add(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        declarations.append(try Behaviour.Declaration(name: name, attributes: attributes))
        names.append(name)
        observations.append(.failure(TypedBatch.unobserved(name)))
    }

    func declaration(_ place: Int) -> any ResourceDeclaration { declarations[place] }

    func observe(_ places: [Int], on host: Host) {
        let places = Behaviour.isObservedTogether ? Array(declarations.indices) : places
        let found = Behaviour.observe(places.map { declarations[$0] }, on: host)
        for (index, place) in places.enumerated() {
            observations[place] =
                index < found.count
                ? found[index] : .failure(TypedBatch.unobserved(names[place]))
        }
    }

    func finding(_ place: Int) -> Finding {
        switch observations[place] {
        case .success(let observation):
            .difference(Behaviour.diff(declarations[place], observation))
        case .failure(let fault): .failure(fault)
        }
    }

    func remarks(_ place: Int) -> [HostFinding] {
        guard case .success(let observation) = observations[place] else { return [] }
        return Behaviour.findings(declarations[place], observation)
    }

    var isAppliedTogether: Bool { Behaviour.isAppliedTogether }

    func beforeImages(
        _ due: [PlaceDue], on host: Host
    ) -> [Result<[BeforeImage], AgentFault>] {
        each(due, Result.failure) { Behaviour.beforeImages($0, on: host) }
    }

    func apply(_ due: [PlaceDue], on host: Host) -> [ChangeOutcome] {
        each(due, ChangeOutcome.failed) { Behaviour.apply($0, on: host) }
    }

    /// One answer for each resource: a failure where it was not observed, or where the kind gave no
    /// answer.
    private func each<Answer>(
        _ due: [PlaceDue], _ failure: (AgentFault) -> Answer,
        _ body: ([DueChange<Behaviour>]) -> [Answer]
    ) -> [Answer] {
        var answers = due.map { failure(TypedBatch.unobserved(names[$0.place])) }
        var observed: [DueChange<Behaviour>] = []
        var indices: [Int] = []
        for (index, one) in due.enumerated() {
            switch observations[one.place] {
            case .success(let observation):
                observed.append(
                    DueChange(declarations[one.place], observation, changes: one.changes))
                indices.append(index)
            case .failure(let fault): answers[index] = failure(fault)
            }
        }
        for (index, answer) in zip(indices, body(observed)) { answers[index] = answer }
        return answers
    }

    private static func unobserved(_ name: String) -> AgentFault {
        AgentFault(
            "bug", "observe \(name)", cause: "the resource kind returned no observation",
            hint: "this is a fault in muster-agent; please report it")
    }
}

/// Returns the behaviour of a kind; tests substitute their own.
typealias BehaviourLookup = (Kind) -> any ResourceBehaviour.Type

/// An empty batch of a behaviour.
func makeBatch(_ behaviour: any ResourceBehaviour.Type) -> any KindBatch {
    func open<B: ResourceBehaviour>(_ type: B.Type) -> any KindBatch { TypedBatch(type) }
    return open(behaviour)
}
