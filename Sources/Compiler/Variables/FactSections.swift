import Diagnostics
import FleetModel
import Templates

/// The half of the facts that something is read from.
enum FactsHalf: CaseIterable {
    /// Stored, and read by `muster facts`.
    case hardware
    /// Read anew on every connection.
    case live

    fileprivate var entries: [FactsSchema.Entry] {
        switch self {
        case .hardware: FactsSchema.hardware
        case .live: FactsSchema.live
        }
    }
}

/// A section of one half of the facts: `hugepages` is one of both.
struct FactsSection: Hashable, Comparable {
    let name: String
    let half: FactsHalf

    static func < (left: FactsSection, right: FactsSection) -> Bool {
        if left.name != right.name { return left.name < right.name }
        return left.half == .hardware && right.half == .live
    }
}

/// The sections of `facts`, the half each belongs to, and what a template may read of them.
enum FactSections {
    /// Every section of every half.
    static let all: Set<FactsSection> = Set(
        FactsHalf.allCases.flatMap { half in
            FactsSchema.sections(half.entries).map { FactsSection(name: $0, half: half) }
        })

    /// The names, sorted.
    static let names = Set(all.map(\.name)).sorted()

    /// What has to be read for a use of a path below `facts`, without `facts` itself.
    ///
    /// A path that is not in the schema has been refused before; it is taken for stored facts.
    static func sections(of path: some Collection<String>) -> Set<FactsSection> {
        guard let name = path.first else { return all }
        let path = path.joined(separator: ".")
        let halves = FactsHalf.allCases.filter { half in
            half.entries.contains { covers($0.path, path) }
        }
        return Set(
            (halves.isEmpty ? [.hardware] : halves).map { FactsSection(name: name, half: $0) })
    }

    /// The faults of a use of `facts`: there is no such fact.
    ///
    /// None for every other name.
    static func faults(of use: NameUse) -> [Diagnostic] {
        guard use.path.first == "facts", use.path.count > 1 else { return [] }
        let path = use.path.dropFirst().joined(separator: ".")
        if known.contains(where: { covers($0, path) }) { return [] }
        return [
            Diagnostic(
                "unknown-fact", "there is no fact \"\(path)\"", at: use.place,
                hint: NearestName.hint(for: path, in: known)
                    ?? NearestName.hint(for: use.path[1], in: names)
                    ?? "the sections are \(names.joined(separator: ", "))")
        ]
    }

    /// Whether a path reads something of an entry: the entry, a part of it, or what it is part of.
    ///
    /// A map's keys are the host's, and a value may be asked for a method.
    private static func covers(_ entry: String, _ path: String) -> Bool {
        entry == path || path.hasPrefix(entry + ".") || entry.hasPrefix(path + ".")
    }

    private static let known = (FactsSchema.hardware + FactsSchema.live).map(\.path)
}
