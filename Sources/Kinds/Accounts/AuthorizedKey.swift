import FleetModel
import Wire

/// A declared `authorized_key`: keys by which somebody may log in as a user.
package struct AuthorizedKeyDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .authorizedKey, "A key by which somebody may log in as a user, in its authorized_keys.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "Whose key it is, for people: `alice@laptop`.",
        attributes: [
            AttributeSchema("owner", .string, required: true, "The user that is logged in as."),
            AttributeSchema("key", .string, "The public key: the line of an `id_….pub`."),
            AttributeSchema(
                "keys", .list(.string), "Several of them, in place of `key`."),
            AttributeSchema(
                "options", .list(.string),
                "What sshd(8) allows before a key: `restrict`, `command=\"…\"`, `from=\"…\"`. Not given:"
                    + " none."),
            AttributeSchema(
                "comment", .string, "The text after the key. Not given: the key's own."),
            AttributeSchema(
                "exclusive", .boolean, default: false,
                "Whether every other key of the file is removed. Then all of the user's keys belong in"
                    + " this one resource."),
            AttributeSchema(
                "path", .path,
                "The file. Not given: where the host's sshd looks first, `~/.ssh/authorized_keys`"
                    + " unless its configuration says otherwise."),
        ],
        notes: [
            "A key is known by its type and base64; options and comment are compared as well. Other"
                + " lines stay as they are, in their order.",
            "The file belongs to the user. Where the user could swap a directory on the way for a link,"
                + " the file is written with the user's own rights, so that root is never led astray.",
            "Permissions with which sshd would ignore the file (StrictModes) are a difference.",
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
    /// nil: where sshd looks first.
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
                hint: "NAME or NAME=\"VALUE\", one of them per element")
        }
        if let comment, comment.utf8.contains(where: { $0 < 32 }) {
            throw AttributeFault("comment", "comment is not one line")
        }
        if isExclusive, isAbsent {
            throw AttributeFault("exclusive", "exclusive goes with state: present")
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

    /// A name, and after `=` a value in quotes; nothing outside them that would end the option.
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
