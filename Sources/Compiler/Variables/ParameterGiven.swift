import Diagnostics
import Inventory
import Values
import Wire
import YAML

/// A value given for a role's parameter, and where it comes from.
struct ParameterGiven: Sendable {
    /// Which names the templates in the value can read.
    enum Scope: Sendable {
        case host, role
    }

    let node: Node?
    let source: ValueSource?
    let place: Place
    /// The origin, for messages: `group ld4`, `host`, `--set`, `default of the role`.
    let giver: String
    let scope: Scope

    /// The source of the value; one from the inventory is parsed here.
    func parsed() throws(Faults) -> ValueSource {
        if let source { return source }
        guard let node else {
            throw Faults(Diagnostic("no-value", "there is no value", at: place))
        }
        return try VariableSource.parse(node)
    }

    /// The text of the value as written.
    var text: String { source?.text ?? node.map(Self.text) ?? "" }

    /// A node as text: the text of a scalar, the JSON of anything else.
    static func text(of node: Node) -> String {
        if node.isVault { return "(vault)" }
        return node.text ?? node.value.json.canonicalText
    }

    init(_ candidate: VariableCandidate, node: Node, place: Place) {
        self.node = node
        self.place = place
        source = nil
        giver = candidate.level.text
        scope = .host
    }

    init(_ source: ValueSource, place: Place, giver: String, scope: Scope) {
        node = nil
        self.source = source
        self.place = place
        self.giver = giver
        self.scope = scope
    }
}

/// Finds the values of a role's parameters in the inventory.
enum ParameterCandidates {
    /// All values given for a parameter, from low to high precedence.
    ///
    /// `lookup` returns the candidates of a variable from low to high. A flat variable counts only
    /// if the parameter has `from`. A map under the role's name sets only the parameters that are
    /// its keys: a group that sets one parameter does not affect the others.
    static func of(
        _ parameter: ParameterDefinition, role: String,
        in lookup: (String) -> [VariableCandidate]
    ) -> [ParameterGiven] {
        var all: [(rank: Rank, given: ParameterGiven)] = []
        if let name = parameter.inventoryName {
            for candidate in lookup(name) {
                all.append(
                    (
                        Rank(candidate, isOfRole: false),
                        ParameterGiven(candidate, node: candidate.node, place: candidate.origin)
                    ))
            }
        }
        for candidate in lookup(role) {
            guard let entry = candidate.node.entry(parameter.name) else { continue }
            all.append(
                (
                    Rank(candidate, isOfRole: true),
                    ParameterGiven(candidate, node: entry.value, place: entry.key.place)
                ))
        }
        if parameter.inventoryName == nil { return all.map(\.given) }
        // The sort is stable: equal ranks keep the order of the inventory.
        return all.enumerated().sorted {
            ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset)
        }.map(\.element.given)
    }

    /// The precedence among candidates of different variables.
    private struct Rank: Comparable {
        let key: [Int]

        init(_ candidate: VariableCandidate, isOfRole: Bool) {
            let file = candidate.isFile ? 1 : 0
            let own = isOfRole ? 1 : 0
            key =
                switch candidate.level {
                case .all: [0, file, 0, 0, own]
                case .group(_, let depth, let priority): [0, file, depth, priority, own]
                case .host: [1, file, 0, 0, own]
                }
        }

        static func < (left: Rank, right: Rank) -> Bool {
            left.key.lexicographicallyPrecedes(right.key)
        }
    }
}
