import FleetModel
import Wire

/// A declared `authorized_key`: keys that allow login as a user.
package struct AuthorizedKeyDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .authorizedKey, "SSH public keys in the authorized_keys file of a user.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "A label that says whose key it is: `alice@laptop`.",
        attributes: [
            AttributeSchema(
                "owner", .string, required: true, "The user that the key may log in as."),
            AttributeSchema("key", .string, "The public key: the line of an `id_….pub`."),
            AttributeSchema(
                "keys", .list(.string), "Several public keys, instead of `key`."),
            AttributeSchema(
                "options", .list(.string),
                "Options before the key, see sshd(8): `restrict`, `command=\"…\"`, `from=\"…\"`."
                    + " Default: none."),
            AttributeSchema(
                "comment", .string,
                "The text after the key. Default: the comment in the given key."),
            AttributeSchema(
                "exclusive", .boolean, default: false,
                "Whether every other key in the file is removed. Declare all keys of the user in"
                    + " this"
                    + " one resource then."),
            AttributeSchema(
                "path", .path,
                "The file. Default: the first AuthorizedKeysFile of the host's sshd, usually"
                    + " `~/.ssh/authorized_keys`."),
        ],
        notes: [
            "A key is identified by its type and base64; its options and comment are compared too."
                + " Other lines keep their content and order.",
            "The file belongs to the user. If the user could replace a directory of the path with a"
                + " symbolic link, the file is written with the rights of the user instead of"
                + " root.",
            "Permissions that make sshd ignore the file (StrictModes) are a difference.",
        ],
        example: """
            - authorized_key: alice@laptop
              owner: trader
              key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1Oe6I1nl4UrhX8pDzqZrSDVpzlBKpL1kzl6Tt5BQhm alice@laptop
              options: [restrict, pty]
            """)

    package let name: String
    package let owner: String
    package let isAbsent: Bool
    package let keys: [PublicKey]
    package let options: [String]
    package let comment: String?
    package let isExclusive: Bool
    /// Nil for the first AuthorizedKeysFile of sshd.
    package let path: String?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        self.name = name
        owner = try reader.string("owner")
        try AccountName.check(owner, "owner")
        isAbsent = try reader.state(of: Self.schema) == "absent"
        keys = try Self.keys(reader)
        options = try reader.optionalStrings("options") ?? []
        comment = try reader.optionalString("comment")
        isExclusive = try reader.bool("exclusive", default: false)
        path = try reader.optionalString("path")
        for option in options where option.isEmpty || !Self.isOption(option) {
            throw AttributeFault(
                "options", "\"\(option)\" is not an option of authorized_keys",
                hint: "each element is one option: NAME or NAME=\"VALUE\"")
        }
        if let comment, comment.utf8.contains(where: { $0 < 32 }) {
            throw AttributeFault("comment", "comment has a line break or another control character")
        }
        if isExclusive, isAbsent {
            throw AttributeFault("exclusive", "exclusive is only possible with state: present")
        }
    }

    private static func keys(_ reader: AttributeReader) throws(AttributeFault) -> [PublicKey] {
        let one = try reader.optionalString("key")
        let several = try reader.optionalStrings("keys")
        guard (one == nil) != (several == nil) else {
            throw AttributeFault("key", "give either key or keys")
        }
        let attribute = one == nil ? "keys" : "key"
        var keys: [PublicKey] = []
        for text in several ?? [one ?? ""] {
            do throws(ValueFault) {
                let key = try PublicKey(text)
                if keys.contains(where: { $0.base64 == key.base64 }) {
                    throw ValueFault("the same key is given twice")
                }
                keys.append(key)
            } catch {
                throw AttributeFault(attribute, error.message, hint: error.hint)
            }
        }
        return keys
    }

    /// Whether the text is `NAME` or `NAME="VALUE"`, with every quote inside the value escaped.
    private static func isOption(_ text: String) -> Bool {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard
            parts[0].utf8.allSatisfy({
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                    || $0 == 45
            }), !parts[0].isEmpty
        else { return false }
        if parts.count == 1 { return true }
        let value = Array(parts[1].utf8)
        guard value.count >= 2, value[0] == 34, value[value.count - 1] == 34 else { return false }
        var index = 1
        while index < value.count - 1 {
            if value[index] == 34 || value[index] < 32 { return false }
            index += value[index] == 92 && value[index + 1] == 34 ? 2 : 1
        }
        return index == value.count - 1
    }

    package var owns: [Claim] { keys.map { .authorizedKey(user: owner, key: $0.base64) } }

    package var needs: [Claim] {
        [.user(owner)] + (path.map { Claim.directories(above: $0) } ?? [])
    }
}
