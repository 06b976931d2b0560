import Diagnostics
import Linux

/// One term of a host pattern: `web`, `&staging`, `!db1`, `web[0]`, `~regex`.
struct HostPattern: Equatable {
    enum Role: Equatable { case add, keep, remove }

    enum Subscript: Equatable {
        case one(Int)
        /// Both ends are included; nil means up to the last host.
        case range(Int, Int?)
    }

    let role: Role
    /// The text as written, for messages.
    let text: String
    /// The name, glob or regular expression, without `&`, `!`, `~` and subscript.
    let expression: String
    let isRegex: Bool
    let part: Subscript?

    init(_ text: String) throws(Faults) {
        self.text = text
        var rest = text[...]
        switch rest.first {
        case "&":
            role = .keep
            rest.removeFirst()
        case "!":
            role = .remove
            rest.removeFirst()
        default: role = .add
        }
        isRegex = rest.first == "~"
        if isRegex {
            expression = String(rest.dropFirst())
            part = nil
            return
        }
        (expression, part) = try Self.splitSubscript(rest, text)
    }

    /// Splits `g[0]`, `g[-1]`, `g[1:3]`, `g[1:]`; other brackets are a character set of a glob.
    private static func splitSubscript(
        _ text: Substring, _ whole: String
    ) throws(Faults) -> (String, Subscript?) {
        guard text.last == "]", let open = text.lastIndex(of: "["), open > text.startIndex else {
            return (String(text), nil)
        }
        let name = String(text[..<open])
        let inside = text[text.index(after: open)...].dropLast()
        if let one = number(inside, signed: true) { return (name, .one(one)) }
        let bounds = inside.split(separator: ":", omittingEmptySubsequences: false)
        if bounds.count == 2, let first = number(bounds[0], signed: false) {
            if bounds[1].isEmpty { return (name, .range(first, nil)) }
            if let last = number(bounds[1], signed: false) { return (name, .range(first, last)) }
        }
        let dashed = inside.split(separator: "-", omittingEmptySubsequences: false)
        if dashed.count == 2, let first = number(dashed[0], signed: false),
            let last = number(dashed[1], signed: false)
        {
            // Ansible reads it as positions, a shell as a set of characters.
            throw Faults(
                Diagnostic(
                    "host-pattern",
                    "\"[\(inside)]\" in the pattern \"\(whole)\" is ambiguous",
                    hint:
                        "write [\(first):\(last)] for positions in a group, or all characters of a set",
                    exitCode: .usage))
        }
        return (String(text), nil)
    }

    private static func number(_ text: Substring, signed: Bool) -> Int? {
        let digits = signed && text.first == "-" ? text.dropFirst() : text
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    /// Splits texts into terms at commas, and at colons outside brackets that do not belong to an
    /// address or a port.
    static func split(_ text: String) -> [String] {
        text.split(separator: ",").flatMap { part -> [String] in
            let part = String(part).trimmingSpaces()
            if part.isEmpty { return [] }
            if HostAddress(part) != nil { return [part] }
            return splitAtColons(part)
        }
    }

    private static func splitAtColons(_ text: String) -> [String] {
        var terms: [String] = []
        var term = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            if character == "[", let close = rest.firstIndex(of: "]") {
                term.append(character)
                term += rest[...close]
                rest = rest[rest.index(after: close)...]
            } else if character == ":" || character == " " || character == "\t" {
                if !term.isEmpty { terms.append(term) }
                term = ""
            } else {
                term.append(character)
            }
        }
        if !term.isEmpty { terms.append(term) }
        return terms
    }
}
