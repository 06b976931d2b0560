import FleetModel
import Wire

/// A declared `line`: one line of a file whose other lines are not managed.
package struct LineDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .line, "One line of a text file; its other lines are not managed.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string,
        nameSummary: "The purpose of the line; a name that stays the same when the text changes.",
        attributes: [
            AttributeSchema("path", .path, required: true, "The file."),
            AttributeSchema(
                "text", .string,
                "The line without its newline. Required unless state is absent and match is"
                    + " given."),
            AttributeSchema(
                "match", .string,
                "A POSIX extended regular expression, as for grep -E: the text replaces the lines "
                    + "that match. The text itself must match too."),
            AttributeSchema(
                "insert_after", .string,
                "If no line matches: adds the new line after the last line that matches this "
                    + "expression, instead of at the end."),
            AttributeSchema(
                "insert_before", .string,
                "If no line matches: adds the new line before the first line that matches this "
                    + "expression, instead of at the end."),
            AttributeSchema(
                "create", .boolean, default: false,
                "Creates a missing file, owned by root with mode 0644."),
        ],
        notes: [
            "After apply, the text is the only line that matches: the first matching line is"
                + " replaced "
                + "by the text, further ones are removed. Without match, some line must equal the "
                + "text; its position is not compared.",
            "With state: absent, every line that matches or equals the text is removed.",
            "Prefer file if you can manage the whole file, or if there is a drop-in directory.",
        ],
        example: """
            - line: no root login by password
              path: /etc/ssh/sshd_config
              match: "^#?PermitRootLogin "
              text: PermitRootLogin prohibit-password
            """)

    /// The position of a new line.
    package enum Place: Sendable {
        case end
        case after(PosixExpression)
        case before(PosixExpression)
    }

    package let name: String
    package let path: String
    package let isPresent: Bool
    package let text: String?
    package let match: PosixExpression?
    package let place: Place
    package let creates: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        self.name = name
        path = try reader.string("path")
        isPresent = try reader.state(of: LineDeclaration.schema) == "present"
        text = try reader.optionalString("text")
        match = try LineDeclaration.expression("match", reader)
        creates = try reader.bool("create", default: false)
        let after = try LineDeclaration.expression("insert_after", reader)
        let before = try LineDeclaration.expression("insert_before", reader)
        if after != nil && before != nil {
            throw AttributeFault(
                "insert_before", "insert_after and insert_before exclude each other")
        }
        place = after.map { .after($0) } ?? before.map { .before($0) } ?? .end
        if let text, text.contains(where: \.isNewline) {
            throw AttributeFault(
                "text", "text has more than one line",
                hint: "declare a line resource for each, or manage the whole file")
        }
        if isPresent {
            guard let text else { throw AttributeFault("text", "text is missing") }
            if let match, !match.matches(text) {
                throw AttributeFault(
                    "match", "match does not match the line's own text",
                    hint: "correct match, else every apply would change the file again")
            }
        } else {
            try reader.refuse(
                ["insert_after", "insert_before"], because: "for an absent line")
            if creates {
                throw AttributeFault(
                    "create", "create has no meaning for an absent line")
            }
            if text == nil && match == nil {
                throw AttributeFault(
                    nil, "neither text nor match is given: the line to remove is not known")
            }
        }
    }

    private static func expression(
        _ attribute: String, _ reader: AttributeReader
    ) throws(AttributeFault) -> PosixExpression? {
        guard let pattern = try reader.optionalString(attribute) else { return nil }
        do {
            return try PosixExpression(pattern)
        } catch {
            throw AttributeFault(attribute, error.message, hint: error.hint)
        }
    }

    package var owns: [Claim] { [.linePattern(path: path, key: match?.pattern ?? text ?? name)] }
    package var needs: [Claim] { [.path(path)] + Claim.directories(above: path) }
}
