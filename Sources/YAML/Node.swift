import Diagnostics
import Values
import Wire

/// One node of a YAML document: its content, its place, and its tag.
///
/// Nodes are values that share their storage, so an aliased or inherited one costs nothing.
package struct Node: Sendable {
    package enum Content: Sendable {
        case scalar(Scalar)
        case list([Node])
        case map([Entry])
    }

    /// A key with its value, in the order of the file; merged keys (`<<`) come first.
    package struct Entry: Sendable {
        package let key: Node
        package let value: Node

        package init(key: Node, value: Node) {
            self.key = key
            self.value = value
        }
    }

    package let content: Content
    package let place: Place
    /// A tag that changes the meaning: `!vault`, `!unsafe`.
    ///
    /// Tags of YAML itself (`!!str`) are already applied in the reading.
    package let tag: String?

    package init(_ content: Content, at place: Place, tag: String? = nil) {
        self.content = content
        self.place = place
        self.tag = tag
    }

    /// A node for a value that was not written as YAML: from JSON, the command line, a default.
    ///
    /// The reading of a string is that string, whatever its text looks like.
    package init(value: Value, place: Place) {
        switch value.revealed {
        case .list(let elements):
            self.init(.list(elements.map { Node(value: $0, place: place) }), at: place)
        case .map(let map):
            let entries = map.pairs.map {
                Entry(
                    key: Node(value: .string($0.key), place: place),
                    value: Node(value: $0.value, place: place))
            }
            self.init(.map(entries), at: place)
        case .string(let text):
            self.init(
                .scalar(Scalar(text: text, style: .doubleQuoted, reading: .string(text))), at: place
            )
        case let other:
            let text = other.json.canonicalText
            self.init(.scalar(Scalar(text: text, style: .plain, reading: other)), at: place)
        }
    }
}

extension Node {
    /// The scalar, or nil for a list or map.
    package var scalar: Scalar? { if case .scalar(let scalar) = content { scalar } else { nil } }
    /// The elements, or nil for anything but a list.
    ///
    /// The reading of a scalar can also be a list or map: `ports=[22, 80]` in an INI inventory has
    /// both a text and a list.
    package var list: [Node]? {
        switch content {
        case .list(let nodes): nodes
        case .scalar(let scalar):
            if case .list = scalar.reading {
                Node(value: scalar.reading, place: place).list
            } else {
                nil
            }
        case .map: nil
        }
    }
    /// The entries, or nil for anything but a map.
    package var map: [Entry]? {
        switch content {
        case .map(let entries): entries
        case .scalar(let scalar):
            if case .map = scalar.reading {
                Node(value: scalar.reading, place: place).map
            } else {
                nil
            }
        case .list: nil
        }
    }
    /// The text of a scalar.
    package var text: String? { scalar?.text }
    /// Whether it is a scalar that reads as null: `~`, `null`, or nothing at all.
    package var isNull: Bool { scalar?.reading == .null }

    /// The value under a key, by the key's text; nil if there is no such key or this is not a map.
    ///
    /// Linear in the number of keys: for maps of many hosts iterate over `map` instead.
    package subscript(_ key: String) -> Node? { entry(key)?.value }

    /// The entry of a key, by the key's text.
    package func entry(_ key: String) -> Entry? { map?.first { $0.key.text == key } }

    /// The texts of the keys in order; empty if this is not a map.
    package var keys: [String] { (map ?? []).compactMap(\.key.text) }

    /// The kind of node in words: `a string`, `a list`.
    package var kindText: String {
        if isVault { return "a vault value" }
        return switch content {
        case .scalar(let scalar): scalar.reading.kindText
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// Whether it is encrypted by Ansible's vault, which muster cannot open.
    package var isVault: Bool { tag == "!vault" }

    /// Whether its text is never a template, whatever it looks like.
    package var isUnsafe: Bool { tag == "!unsafe" }

    /// The first vault value in this node, including the node itself.
    package var firstVault: Node? {
        if isVault { return self }
        switch content {
        case .scalar: return nil
        case .list(let nodes):
            for node in nodes { if let found = node.firstVault { return found } }
        case .map(let entries):
            for entry in entries { if let found = entry.value.firstVault { return found } }
        }
        return nil
    }
}
