import Diagnostics

/// Collects the entries of one map: refuses duplicate keys, adds merged maps (`<<`) with lower
/// precedence.
struct MapGathering {
    private var own: [Node.Entry] = []
    private var merged: [Node.Entry] = []
    private var places: [String: Place] = [:]
    private var mergePlace: Place?

    /// Adds a key; returns a fault if the key exists already.
    mutating func add(_ key: Node, _ value: Node) -> Diagnostic? {
        // `"yes"` and `yes` have the same text, `yes` and `true` the same reading: both pairs are
        // ambiguous.
        let names = Set([key.text ?? "", key.keyText])
        for name in names {
            if let first = places[name] {
                return Self.duplicate(key, first)
            }
        }
        for name in names { places[name] = key.place }
        own.append(Node.Entry(key: key, value: value))
        return nil
    }

    private static func duplicate(_ key: Node, _ first: Place) -> Diagnostic {
        Diagnostic(
            "duplicate-key", "the key \"\(key.text ?? "")\" is given twice", at: key.place,
            cause: "one of the two values would be lost", hint: "remove or rename one of them",
            related: [.init(first, "first given here")])
    }

    /// Merges the value of `<<`: a map, or a list of maps; for each key the first map that has it
    /// wins.
    mutating func merge(_ value: Node, key: Node) -> [Diagnostic] {
        if let first = mergePlace {
            var fault = Self.duplicate(key, first)
            fault.hint = "merge both at once: <<: [*first, *second]"
            return [fault]
        }
        mergePlace = key.place
        var faults: [Diagnostic] = []
        var seen: Set<String> = []
        var blocks: [[Node.Entry]] = []
        for node in value.list ?? [value] {
            guard let entries = node.map else {
                faults.append(
                    Diagnostic(
                        "yaml-merge", "only maps can be merged, but this is \(node.kindText)",
                        at: node.place, hint: "give << an alias of a map, or a list of such"))
                continue
            }
            blocks.append(entries.filter { seen.insert($0.key.keyText).inserted })
        }
        // As in PyYAML: keys of later maps come first in order, although the values of earlier maps
        // win.
        merged = blocks.reversed().flatMap { $0 }
        return faults
    }

    /// The entries: merged keys first, each with the map's own value if it has one; then the other
    /// keys of the map.
    var entries: [Node.Entry] {
        if merged.isEmpty { return own }
        let mine = Dictionary(
            own.map { ($0.key.keyText, $0) }, uniquingKeysWith: { first, _ in first })
        let inherited = Set(merged.map(\.key.keyText))
        return merged.map { mine[$0.key.keyText] ?? $0 }
            + own.filter { !inherited.contains($0.key.keyText) }
    }
}

extension Node {
    /// Whether it is the plain key `<<`.
    var isMergeKey: Bool {
        guard let scalar else { return false }
        return scalar.isPlain && scalar.text == "<<" && tag == nil
    }
}
