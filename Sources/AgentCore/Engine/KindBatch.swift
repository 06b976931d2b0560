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
    /// What should be known and no apply mends.
    func remarks(_ place: Int) -> [HostFinding]
    func beforeImages(_ place: Int, on host: Host) throws(AgentFault) -> [BeforeImage]
    func apply(_ place: Int, changes: [Change], on host: Host) throws(AgentFault)
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

    func beforeImages(_ place: Int, on host: Host) throws(AgentFault) -> [BeforeImage] {
        try Behaviour.beforeImages(declarations[place], try observations[place].get(), on: host)
    }

    func apply(_ place: Int, changes: [Change], on host: Host) throws(AgentFault) {
        try Behaviour.apply(
            declarations[place], try observations[place].get(), changes: changes, on: host)
    }

    private static func unobserved(_ name: String) -> AgentFault {
        AgentFault(
            "bug", "observe \(name)", cause: "its kind gave no observation of it",
            hint: "this is a fault in muster-agent; please report it")
    }
}

/// Gives the behaviour of a kind; tests put their own behind it.
typealias BehaviourLookup = (Kind) -> any ResourceBehaviour.Type

/// An empty batch of a behaviour.
func makeBatch(_ behaviour: any ResourceBehaviour.Type) -> any KindBatch {
    func open<B: ResourceBehaviour>(_ type: B.Type) -> any KindBatch { TypedBatch(type) }
    return open(behaviour)
}
