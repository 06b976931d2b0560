import Values
import Wire

extension Node {
    /// The YAML 1.1 reading of the whole node, as in Ansible for untyped variables.
    ///
    /// Keys become the strings that JSON would show: `10: a` has the key `10`, `yes: a` the key
    /// `true`. A vault value becomes the map that Ansible's JSON shows, never its text alone.
    package var value: Value {
        switch content {
        case .scalar(let scalar):
            isVault ? .map(ValueMap([("__ansible_vault", .string(scalar.text))])) : scalar.reading
        case .list(let nodes): .list(nodes.map(\.value))
        case .map(let entries):
            .map(ValueMap(entries.map { ($0.key.keyText, $0.value.value) }))
        }
    }

    /// The JSON that `ansible-inventory` prints: vault and unsafe strings are marked as such.
    package var ansibleJSON: JSON { ansibleJSON(unsafe: false) }

    private func ansibleJSON(unsafe: Bool) -> JSON {
        let unsafe = unsafe || isUnsafe
        switch content {
        case .scalar(let scalar):
            if case .string(let text) = scalar.reading, unsafe, !isVault {
                return ["__ansible_unsafe": .string(text)]
            }
            return value.json
        case .list(let nodes): return .array(nodes.map { $0.ansibleJSON(unsafe: unsafe) })
        case .map(let entries):
            let members = entries.map { ($0.key.keyText, $0.value.ansibleJSON(unsafe: unsafe)) }
            return .object(Dictionary(members, uniquingKeysWith: { _, last in last }))
        }
    }

    /// A key as the string that JSON would show for its reading.
    package var keyText: String {
        guard let scalar else { return "" }
        return switch scalar.reading {
        case .string(let text): text
        case let other: other.json.canonicalText
        }
    }
}
