import Diagnostics

/// Gathers the entries of one map: refuses duplicate keys, puts merged maps (`<<`) underneath.
struct MapGathering {
    private var own: [Node.Entry] = []
    private var merged: [Node.Entry] = []
    private var places: [String: Place] = [:]
    private var mergePlace: Place?

    /// Adds a key; the fault where it is there already.
    mutating func add(_ key: Node, _ value: Node) -> Diagnostic? {
        // `"yes"` and `yes` have one text, `yes` and `true` one reading: both pairs are ambiguous.
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

    /// Takes in what `<<` names: a map, or a list of maps of which the first that has a key wins.
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
                        "yaml-merge", "only maps can be merged, this is \(node.kindText)",
                        at: node.place, hint: "give << an alias of a map, or a list of such"))
                continue
            }
            blocks.append(entries.filter { seen.insert($0.key.keyText).inserted })
        }
        // As PyYAML: keys of later maps come first in order, although those of earlier ones win.
        merged = blocks.reversed().flatMap { $0 }
        return faults
    }

    /// Merged keys first, each with the value of the map itself where it has one; then its own.
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
