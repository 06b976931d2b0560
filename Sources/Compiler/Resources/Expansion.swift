import Diagnostics
import FleetModel
import Kinds
import Wire

/// One of the resources that a declared one expands into, before it is planned.
struct ExpandedPart {
    var kind: Kind
    var name: String
    var attributes: [String: JSON]
}

extension KindTraits.Expansion {
    /// The paths of the facts that decide what the resource expands into.
    var reads: [[String]] {
        switch self {
        case .isolation: IsolationExpansion.reads
        }
    }

    /// The resource itself as the host has it, then those that follow from it.
    ///
    /// `attributes` are those written, with defaults; `place` is where the resource is declared.
    func parts(
        _ attributes: [String: JSON], facts: () throws(Faults) -> JSON, at place: Place
    ) throws(Faults) -> [ExpandedPart] {
        switch self {
        case .isolation: try IsolationExpansion.parts(attributes, facts: facts, at: place)
        }
    }
}
