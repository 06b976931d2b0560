import Diagnostics
import FleetModel
import Kinds
import YAML

/// Finds the kind of a resource: its only key that is a kind, or the keys `kind` and `name`.
enum KindKey {
    static func take(
        from map: inout StrictMap, faults: inout DiagnosticBag
    ) -> (kind: Kind, name: Node)? {
        let named = kinds(in: map)
        if let node = map.value("kind") {
            return spelledOut(node, others: named, &map, faults: &faults)
        }
        guard let kind = named.first else {
            faults.add(unknown(map))
            return nil
        }
        let entries = named.compactMap { kind in map.entry(kind.rawValue) }
        guard named.count == 1, let entry = entries.first else {
            let names = named.map { "\"\($0.rawValue)\"" }.joined(separator: " and ")
            faults.add(
                Diagnostic(
                    "two-kinds", "a resource has one kind, but this one has the keys \(names)",
                    at: entries.last?.key.place ?? map.place,
                    hint: "split it into two resources",
                    related: entries.dropLast().map {
                        Diagnostic.Related($0.key.place, "the other kind")
                    }))
            return nil
        }
        return (kind, entry.value)
    }

    /// The keys that are kinds, except a key that is an attribute of the only other kind.
    private static func kinds(in map: StrictMap) -> [Kind] {
        let named = map.restKeys.compactMap(Kind.init(rawValue:))
        let leading = named.filter { kind in
            named.allSatisfy { $0 == kind || kind.schema.attribute($0.rawValue) != nil }
        }
        return leading.count == 1 ? leading : named
    }

    private static func spelledOut(
        _ node: Node, others: [Kind], _ map: inout StrictMap, faults: inout DiagnosticBag
    ) -> (kind: Kind, name: Node)? {
        let text = node.text ?? ""
        guard let kind = Kind(rawValue: text) else {
            faults.add(
                Diagnostic(
                    "unknown-kind", "there is no kind \"\(text)\"", at: node.place,
                    hint: NearestName.hint(for: text, in: names) ?? listing))
            return nil
        }
        if let other = others.first, let entry = map.entry(other.rawValue) {
            faults.add(
                Diagnostic(
                    "two-kinds", "\"\(other.rawValue)\" is given together with \"kind: \(text)\"",
                    at: entry.key.place, hint: "with \"kind\", give the name as \"name\""))
            return nil
        }
        guard let name = map.required("name", faults: &faults) else { return nil }
        return (kind, name)
    }

    private static let names = Kind.allCases.map(\.rawValue)
    private static let listing = "the kinds are \(names.sorted().joined(separator: ", "))"

    /// The fault if no key is a kind; its hint is the most similar kind, or all kinds.
    private static func unknown(_ map: StrictMap) -> Diagnostic {
        let candidates = map.restKeys.filter { !ResourceReader.commonKeys.contains($0) }
        for key in candidates {
            if let nearest = NearestName.of(key, in: names) {
                return Diagnostic(
                    "unknown-kind", "there is no kind \"\(key)\"", at: map.keyPlace(key),
                    hint: "did you mean \"\(nearest)\"?")
            }
        }
        return Diagnostic(
            "unknown-kind",
            candidates.first.map { "no key of the resource is a kind; \"\($0)\" is not one" }
                ?? "no key of the resource is a kind",
            at: candidates.first.map(map.keyPlace) ?? map.place, hint: listing)
    }
}
