import Diagnostics

/// The fault for an unquoted `{{ … }}`.
enum UnquotedTemplate {
    static func diagnostic(at place: Place) -> Diagnostic {
        Diagnostic(
            "unquoted-template", "a template without quotes", at: place,
            cause: "YAML reads { as the start of a map", hint: "quote it: \"{{ … }}\"")
    }

    /// The column, from 1, of a value on a line that starts with `{{` without quotes.
    static func column(in line: String) -> Int? {
        let scalars = Array(line.unicodeScalars)
        guard scalars.count > 3 else { return nil }
        for index in 0..<scalars.count - 1 where scalars[index] == "{" && scalars[index + 1] == "{"
        {
            let before = scalars[..<index].reversed().drop { $0 == " " }
            // Only the first `{{` can start a value; later ones are inside the value.
            return before.isEmpty || before.first == ":" || before.first == "-" ? index + 1 : nil
        }
        return nil
    }
}

/// Translates libyaml's syntax errors into messages that tell what to do, at the place of the
/// mistake.
struct SyntaxExplanation {
    private let fault: SyntaxFault
    private let places: PlaceFinder

    init(_ fault: SyntaxFault, _ places: PlaceFinder) {
        self.fault = fault
        self.places = places
    }

    var diagnostic: Diagnostic {
        if fault.isOutOfMemory {
            return Diagnostic("out-of-memory", "no memory to read \(places.source.name)")
        }
        let place = places.placeWithinText(fault.problemMark)
        for mark in [fault.problemMark, fault.contextMark] {
            let number = places.placeWithinText(mark).line
            if let line = places.source.line(number),
                let column = UnquotedTemplate.column(in: line)
            {
                let length = line.unicodeScalars.count - column + 1
                return UnquotedTemplate.diagnostic(
                    at: Place(
                        source: places.source, line: number, column: column, length: length))
            }
        }
        return explained(at: place)
    }

    private func made(
        _ summary: String, at place: Place, cause: String? = nil, hint: String? = nil,
        related: [Diagnostic.Related] = []
    ) -> Diagnostic {
        Diagnostic(
            "yaml-syntax", summary, at: place, cause: cause, hint: hint, related: related)
    }

    /// Whether the fault was detected only at the end of the text.
    private var isPastText: Bool {
        places.place(fault.problemMark) != places.placeWithinText(fault.problemMark)
    }

    private var context: Place { places.placeWithinText(fault.contextMark) }

    /// The character at a place.
    private func character(at place: Place) -> Unicode.Scalar? {
        places.source.line(place.line)?.unicodeScalars.dropFirst(place.column - 1).first
    }

    /// The text before a place on its line.
    private func text(before place: Place) -> String {
        let line = places.source.line(place.line) ?? ""
        return String(Substring(line.unicodeScalars.prefix(place.column - 1)))
    }

    private func explained(at place: Place) -> Diagnostic {
        switch fault.problem {
        case "mapping values are not allowed in this context":
            if text(before: place).contains(": ") {
                return made(
                    "a second \": \" on one line", at: place,
                    cause: "a value that holds \": \" is read as another key",
                    hint: "quote the value")
            }
            return made(
                "a key where the value above continues", at: place,
                cause: "a line indented more than the key above it belongs to that key's value",
                hint: "indent it like the other keys of its map")
        case "could not find expected ':'":
            return made(
                "a key without a colon, or a line that belongs to no key", at: context,
                hint: "write it as \"key: value\", or indent it under the value it continues")
        case "did not find expected key":
            return expectedKey(at: place)
        case "did not find expected '-' indicator":
            return made(
                "the list ends before this line, but its indentation still belongs to it",
                at: place,
                hint: "start it with \"- \", or indent it like the key it belongs to",
                related: [.init(context, "the list starts here")])
        case "found character that cannot start any token": return badStart(at: place)
        case "found unexpected end of stream", "found unexpected document indicator":
            return made(
                "a quote is opened here and never closed", at: context,
                hint: "close it, or double a quote that is meant literally")
        case "did not find expected ',' or ']'", "did not find expected ',' or '}'":
            let close = fault.problem.hasSuffix("']'") ? "]" : "}"
            return made(
                "the \(close == "]" ? "list" : "map") opened here is not closed with \(close)",
                at: context,
                hint:
                    "add the missing \(close) or comma; quote text that holds brackets, braces or "
                    + "\": \"",
                related: isPastText ? [] : [.init(place, "this does not fit in it")])
        case "found a tab character where an indentation space is expected",
            "found a tab character that violates indentation":
            return tab(at: place)
        case "block sequence entries are not allowed in this context":
            return made(
                "a list item where none is allowed", at: place,
                hint: "start the list on a line of its own, or quote the value")
        case "mapping keys are not allowed in this context":
            return made(
                "a ? where no key is allowed", at: place,
                hint: "quote the value if it starts with ?"
            )
        case "did not find expected alphabetic or numeric character":
            let sign = fault.context == "while scanning an alias" ? "*" : "&"
            return made(
                "a value that starts with \(sign)", at: context,
                cause: "\(sign) starts \(sign == "*" ? "an alias" : "an anchor") in YAML",
                hint: "quote the value: \"\(sign)…\"")
        case "found unknown escape character":
            return made(
                "an escape that YAML does not know", at: place,
                cause: "in double quotes a \\ starts an escape",
                hint: "double the \\, or use single quotes")
        case "did not find expected hexdecimal number",
            "found invalid Unicode character escape code":
            return made(
                "an escape without its hexadecimal digits", at: context,
                hint: "write \\xNN or \\uNNNN, double the \\, or use single quotes")
        case "did not find expected <document start>":
            return made(
                "text after the end of the document", at: place,
                hint: "indent it under a key, or remove what is before it")
        case "found unexpected ':'":
            return made(
                "a colon without a space after it", at: place,
                cause: "inside of [ ] and { } a key ends with \": \"",
                hint: "put a space after the colon, or quote the text")
        case "did not find expected node content" where isPastText:
            return made(
                "the text ends where a value should be", at: place,
                hint: "close the [ or { that is open")
        case "did not find expected node content":
            return made(
                "a value is expected here", at: place,
                hint: character(at: place) == ","
                    ? "remove the extra comma, or write what is missing" : "quote the value")
        case "found undefined tag handle":
            return made(
                "a value that starts with !", at: place, cause: "! starts a tag in YAML",
                hint: "quote the value: \"!…\"")
        case "found unknown directive name":
            return made(
                "an unknown directive", at: place,
                cause: "a line that starts with % is a directive",
                hint: "remove the line")
        case "found incompatible YAML document":
            return made(
                "a version of YAML that is unknown", at: place, hint: "remove the %YAML line")
        default:
            return made(
                [fault.problem, fault.context].compactMap { $0 }.joined(separator: " "), at: place)
        }
    }

    private func expectedKey(at place: Place) -> Diagnostic {
        let open = context
        if place.column > open.column, place.line > open.line {
            return made(
                "indented more than the keys above it", at: place,
                hint: "indent it like the other keys of its map",
                related: [.init(open, "the map starts here")])
        }
        if let last = text(before: place).last(where: { $0 != " " }), "\"']}".contains(last) {
            return made(
                "text after the closing \(last)", at: place,
                cause: "a value that starts with a quote, [ or { ends where that is closed",
                hint: "quote the whole value")
        }
        if character(at: place) == "-" {
            return made(
                "a list item among the keys of a map", at: place,
                hint: "give the list a key of its own, or correct the indentation",
                related: [.init(open, "the map starts here")])
        }
        return made(
            "a key should start here", at: place,
            cause: place.line == open.line
                ? nil : "its indentation fits neither the map above nor what is around it",
            hint: "correct the indentation",
            related: [.init(open, "the map starts here")])
    }

    private func badStart(at place: Place) -> Diagnostic {
        guard let character = character(at: place) else {
            return made("a character that cannot start a value", at: place)
        }
        if character == "\t" { return tab(at: place) }
        return made(
            "a value that starts with \(character)", at: place,
            cause: "\(character) has a meaning of its own in YAML",
            hint: "quote the value: \"\(character)…\"")
    }

    private func tab(at place: Place) -> Diagnostic {
        made(
            "a tab in the indentation", at: place, cause: "YAML is indented with spaces only",
            hint: "replace the tab by spaces")
    }
}
