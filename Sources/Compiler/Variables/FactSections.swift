import Diagnostics
import FleetModel
import Templates

/// The sections of `facts`, the half each belongs to, and what a template may read of them.
enum FactSections {
    static let live = FactsSchema.sections(FactsSchema.live)
    static let all = live.union(FactsSchema.sections(FactsSchema.hardware))

    static func isLive(_ section: String) -> Bool { live.contains(section) }

    /// The faults of a use of `facts`: there is no such fact.
    ///
    /// None for every other name.
    static func faults(of use: NameUse) -> [Diagnostic] {
        guard use.path.first == "facts", use.path.count > 1 else { return [] }
        let path = use.path.dropFirst().joined(separator: ".")
        // A map's keys are the host's, and a value may be asked for a method.
        let isKnown = known.contains {
            $0 == path || path.hasPrefix($0 + ".") || $0.hasPrefix(path + ".")
        }
        if isKnown { return [] }
        return [
            Diagnostic(
                "unknown-fact", "there is no fact \"\(path)\"", at: use.place,
                hint: NearestName.hint(for: path, in: known)
                    ?? NearestName.hint(for: use.path[1], in: all.sorted())
                    ?? "the sections are \(all.sorted().joined(separator: ", "))")
        ]
    }

    private static let known = (FactsSchema.hardware + FactsSchema.live).map(\.path)
}
