import FleetModel
import Wire

/// A declared `line`: one line of a file whose rest belongs to others.
package struct LineDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .line, "One line of a text file whose rest belongs to others.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string,
        nameSummary: "What the line is for; it names the resource and stays when the text changes.",
        attributes: [
            AttributeSchema("path", .path, required: true, "The file."),
            AttributeSchema(
                "text", .string,
                "The line, without its end. Required unless state is absent and match is given."),
            AttributeSchema(
                "match", .string,
                "A POSIX extended regular expression, as grep -E takes it: the lines that this one "
                    + "stands for. The text must match it too."),
            AttributeSchema(
                "insert_after", .string,
                "Where no line matches: the new line goes after the last that matches this "
                    + "expression, instead of to the end."),
            AttributeSchema(
                "insert_before", .string,
                "Where no line matches: the new line goes before the first that matches this "
                    + "expression, instead of to the end."),
            AttributeSchema(
                "create", .boolean, default: false,
                "Makes a file that is not there, root's with mode 0644."),
        ],
        notes: [
            "Afterwards exactly one line matches, and it is the text: the first that matched is "
                + "replaced, further ones go. Without match, a line equal to the text must be there; "
                + "its place is not compared.",
            "With state: absent every line that matches, or equals the text, goes.",
            "Where a file can be owned whole, or a drop-in directory exists, prefer file.",
        ],
        example: """
            - line: no root login by password
              path: /etc/ssh/sshd_config
              match: "^#?PermitRootLogin "
              text: PermitRootLogin prohibit-password
            """)

    /// Where a new line goes.
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
                "text", "the text of a line has more than one line",
                hint: "declare one resource for each, or own the file")
        }
        if isPresent {
            guard let text else { throw AttributeFault("text", "text is missing") }
            if let match, !match.matches(text) {
                throw AttributeFault(
                    "match", "match does not match the line's own text",
                    hint: "widen it: else every apply would add the line again")
            }
        } else {
            try reader.refuse(
                ["insert_after", "insert_before"], because: "for a line that is to be absent")
            if creates {
                throw AttributeFault(
                    "create", "create has no meaning for a line that is to be absent")
            }
            if text == nil && match == nil {
                throw AttributeFault(nil, "neither text nor match says which line is to go")
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
