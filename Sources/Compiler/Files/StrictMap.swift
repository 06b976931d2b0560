import Diagnostics
import Values
import YAML

/// Reads the entries of a YAML map: each key at most once, none left over in silence.
struct StrictMap {
    /// What the map is, for messages: `a role`, `the parameter "swappiness"`.
    private(set) var what: String
    let place: Place
    private var left: [(key: String, entry: Node.Entry)]
    private var known: [String] = []

    /// Begins to read a map; a node that is none is a fault.
    init?(_ node: Node, what: String, faults: inout DiagnosticBag) {
        guard let entries = node.map else {
            faults.add(
                Diagnostic(
                    "wrong-type", "\(what) is a map of keys and values, not \(node.kindText)",
                    at: node.place))
            return nil
        }
        self.what = what
        place = node.place
        left = []
        for entry in entries {
            guard let key = entry.key.text else {
                faults.add(
                    Diagnostic(
                        "wrong-type", "a key of \(what) is \(entry.key.kindText), not a string",
                        at: entry.key.place))
                continue
            }
            left.append((key, entry))
        }
    }

    /// The entry of a key; nil where it is not given.
    mutating func entry(_ key: String) -> Node.Entry? {
        known.append(key)
        guard let index = left.firstIndex(where: { $0.key == key }) else { return nil }
        return left.remove(at: index).entry
    }

    /// The value of a key; nil where it is not given.
    mutating func value(_ key: String) -> Node? { entry(key)?.value }

    /// The value of a key that must be given.
    mutating func required(_ key: String, faults: inout DiagnosticBag) -> Node? {
        if let value = value(key) { return value }
        faults.add(Diagnostic("missing-key", "\(what) has no \"\(key)\"", at: place))
        return nil
    }

    /// A string written as such: no list, no map, no null.
    ///
    /// Its text is taken as it stands.
    mutating func string(_ key: String, faults: inout DiagnosticBag) -> String? {
        guard let node = value(key) else { return nil }
        return Self.string(node, what: "\"\(key)\" of \(what)", faults: &faults)
    }

    /// One string or a list of them, each with its place.
    mutating func strings(
        _ key: String, faults: inout DiagnosticBag
    ) -> [(text: String, place: Place)] {
        guard let node = value(key) else { return [] }
        return Self.strings(node, what: "\"\(key)\" of \(what)", faults: &faults)
    }

    /// `true` or `false`, in these words.
    mutating func boolean(_ key: String, faults: inout DiagnosticBag) -> Bool? {
        guard let node = value(key) else { return nil }
        if let scalar = node.scalar, scalar.isPlain, ["true", "false"].contains(scalar.text) {
            return scalar.text == "true"
        }
        var hint = "write true or false"
        if case .bool(let meant)? = node.scalar?.reading { hint = "write \(meant)" }
        faults.add(
            Diagnostic(
                "wrong-type", "\"\(key)\" of \(what) is not a boolean", at: node.place, hint: hint))
        return nil
    }

    /// Ends the reading: every key that nobody asked for is a fault.
    ///
    /// `others` are further keys that would have been right, for the nearest name.
    func finish(others: [String] = [], faults: inout DiagnosticBag) {
        let known = Set(known + others).sorted()
        for (key, entry) in left {
            faults.add(
                Diagnostic(
                    "unknown-key", "\(what) has no key \"\(key)\"", at: entry.key.place,
                    hint: NearestName.hint(for: key, in: known)
                        ?? "the keys are \(known.joined(separator: ", "))"))
        }
    }

    /// The entries that nobody asked for yet, in order; they then count as read.
    mutating func rest() -> [(key: String, entry: Node.Entry)] {
        defer { left = [] }
        return left
    }

    /// The texts of the keys that nobody asked for yet.
    var restKeys: [String] { left.map(\.key) }

    /// Where a key stands that nobody asked for yet; the map's own place where there is none.
    func keyPlace(_ key: String) -> Place {
        left.first { $0.key == key }?.entry.key.place ?? place
    }

    /// The same map under a better name, once enough of it is read to have one.
    static func named(_ what: String, of map: StrictMap) -> StrictMap {
        var other = map
        other.what = what
        return other
    }

    static func string(_ node: Node, what: String, faults: inout DiagnosticBag) -> String? {
        if let text = node.text, !node.isNull || node.scalar?.isPlain == false, !node.isVault {
            return text
        }
        faults.add(
            Diagnostic("wrong-type", "\(what) is \(node.kindText), not a string", at: node.place))
        return nil
    }

    static func strings(
        _ node: Node, what: String, faults: inout DiagnosticBag
    ) -> [(text: String, place: Place)] {
        var all: [(text: String, place: Place)] = []
        for element in node.list ?? [node] {
            if let text = string(element, what: what, faults: &faults) {
                all.append((text, element.place))
            }
        }
        return all
    }
}
