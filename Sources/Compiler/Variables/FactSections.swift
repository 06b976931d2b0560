import Diagnostics
import FleetModel
import Templates

/// One of the two halves of the facts.
enum FactsHalf: CaseIterable {
    /// Stored facts, which `muster facts` reads from the host.
    case hardware
    /// Live state, which is read again on every connection.
    case live

    fileprivate var entries: [FactsSchema.Entry] {
        switch self {
        case .hardware: FactsSchema.hardware
        case .live: FactsSchema.live
        }
    }
}

/// A section of one half of the facts; `hugepages` exists in both halves.
struct FactsSection: Hashable, Comparable {
    let name: String
    let half: FactsHalf

    static func < (left: FactsSection, right: FactsSection) -> Bool {
        if left.name != right.name { return left.name < right.name }
        return left.half == .hardware && right.half == .live
    }
}

/// The sections of `facts`, their halves, and the paths that templates may read.
enum FactSections {
    /// All sections of both halves.
    static let all: Set<FactsSection> = Set(
        FactsHalf.allCases.flatMap { half in
            FactsSchema.sections(half.entries).map { FactsSection(name: $0, half: half) }
        })

    /// The names, sorted.
    static let names = Set(all.map(\.name)).sorted()

    /// The sections needed to read a path below `facts`, which is given without `facts` itself.
    ///
    /// A path that is not in the schema was refused earlier; here it counts as stored facts.
    static func sections(of path: some Collection<String>) -> Set<FactsSection> {
        guard let name = path.first else { return all }
        let path = path.joined(separator: ".")
        let halves = FactsHalf.allCases.filter { half in
            half.entries.contains { covers($0.path, path) }
        }
        return Set(
            (halves.isEmpty ? [.hardware] : halves).map { FactsSection(name: name, half: $0) })
    }

    /// The faults if a use of `facts` names a fact that does not exist.
    ///
    /// Empty for any other name.
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

    /// Whether a path reads an entry, a part of the entry, or a map that contains the entry.
    ///
    /// A longer path is allowed: the keys of a map depend on the host, and the last part may be a
    /// method.
    private static func covers(_ entry: String, _ path: String) -> Bool {
        entry == path || path.hasPrefix(entry + ".") || entry.hasPrefix(path + ".")
    }

    private static let known = (FactsSchema.hardware + FactsSchema.live).map(\.path)
}
