import Diagnostics
import Values
import YAML

/// Reads the entries of a YAML map; keys that are not read are faults.
struct StrictMap {
    /// The name of the map in messages: `a role`, `the parameter "swappiness"`.
    private(set) var what: String
    let place: Place
    private var left: [(key: String, entry: Node.Entry)]
    private var known: [String] = []

    /// Starts reading a map; a node of another type is a fault.
    init?(_ node: Node, what: String, faults: inout DiagnosticBag) {
        guard let entries = node.map else {
            faults.add(
                Diagnostic(
                    "wrong-type", "\(what) must be a map of keys and values, not \(node.kindText)",
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

    /// The entry of a key; nil if it is not given.
    mutating func entry(_ key: String) -> Node.Entry? {
        known.append(key)
        guard let index = left.firstIndex(where: { $0.key == key }) else { return nil }
        return left.remove(at: index).entry
    }

    /// The value of a key; nil if it is not given.
    mutating func value(_ key: String) -> Node? { entry(key)?.value }

    /// The value of a key that must be given.
    mutating func required(_ key: String, faults: inout DiagnosticBag) -> Node? {
        if let value = value(key) { return value }
        faults.add(Diagnostic("missing-key", "\(what) has no \"\(key)\"", at: place))
        return nil
    }

    /// The text of a scalar, unchanged; a list, a map or null is a fault.
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

    /// A boolean, which must be written as `true` or `false`.
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

    /// Ends the reading: every key that was not read is a fault.
    ///
    /// `others` are further valid keys, used to suggest the nearest name.
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

    /// Reads and returns all entries that were not read yet, in order.
    mutating func rest() -> [(key: String, entry: Node.Entry)] {
        defer { left = [] }
        return left
    }

    /// The keys that were not read yet.
    var restKeys: [String] { left.map(\.key) }

    /// The place of a key that was not read yet; the place of the map if there is no such key.
    func keyPlace(_ key: String) -> Place {
        left.first { $0.key == key }?.entry.key.place ?? place
    }

    /// The same map with a more precise name, once enough of it is read.
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
