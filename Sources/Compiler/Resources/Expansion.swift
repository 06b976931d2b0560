import Diagnostics
import FleetModel
import Kinds
import Wire

/// One of the resources into which a declared resource expands.
struct ExpandedPart {
    var kind: Kind
    var name: String
    var attributes: [String: JSON]
}

extension KindTraits.Expansion {
    /// The paths of the facts on which the expansion depends.
    var reads: [[String]] {
        switch self {
        case .isolation: IsolationExpansion.reads
        }
    }

    /// The resource itself for this host, then the resources derived from it.
    ///
    /// `attributes` are the declared ones with defaults; `place` is the place of the declaration.
    func parts(
        _ attributes: [String: JSON], facts: () throws(Faults) -> JSON, at place: Place
    ) throws(Faults) -> [ExpandedPart] {
        switch self {
        case .isolation: try IsolationExpansion.parts(attributes, facts: facts, at: place)
        }
    }
}
