/// The variables of a profile, and their substitution in texts.
struct TunedVariables {
    /// Why a text has no value here.
    struct Underived: Error, Equatable {
        let reason: String
    }

    private var values: [String: String] = [:]
    /// Variables that became parameters of the role, in the order in which they were found.
    private(set) var parameters: [String] = []

    mutating func set(_ setting: TunedFile.Setting) {
        // `x = ${x}` keeps the value from an included file.
        if setting.value == "${\(setting.name)}" { return }
        values[setting.name] = setting.value
    }

    /// The text with its variables substituted; unset ones become parameters, `{{ name }}`.
    mutating func expand(_ text: String) throws(Underived) -> String { try expand(text, depth: 0) }

    private mutating func expand(_ text: String, depth: Int) throws(Underived) -> String {
        if depth > 20 { throw Underived(reason: "its variables refer to each other in a cycle") }
        if text.contains("{{") || text.contains("{%") {
            throw Underived(reason: "it would be read as a template")
        }
        var result = ""
        var rest = text[...]
        while let start = rest.range(of: "${") {
            result += rest[..<start.lowerBound]
            guard let end = Self.end(of: rest[start.upperBound...]) else {
                throw Underived(reason: "it has a brace that is not closed")
            }
            result += try value(String(rest[start.upperBound..<end]), depth)
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    /// The brace that closes the expression; nested braces are skipped.
    private static func end(of text: Substring) -> String.Index? {
        var depth = 0
        for index in text.indices {
            if text[index] == "{" { depth += 1 }
            if text[index] == "}" {
                if depth == 0 { return index }
                depth -= 1
            }
        }
        return nil
    }

    private mutating func value(_ name: String, _ depth: Int) throws(Underived) -> String {
        if name.hasPrefix("f:") {
            let parts = name.dropFirst(2).split(separator: ":", maxSplits: 1)
            let function = parts.first.map(String.init) ?? ""
            // Muster reads CPU lists in the same form, so the argument is kept as it is.
            if ["cpulist_unpack", "strip"].contains(function), parts.count == 2 {
                return try expand(String(parts[1]), depth: depth + 1)
            }
            throw Underived(reason: "tuned computes it on the host with \(function)")
        }
        guard let text = values[name] else { return parameter(name) }
        // How many cores to isolate is cpu_isolation's policy: the list becomes a parameter.
        if text.contains("${f:calc_isolated_cores") { return parameter(name) }
        return try expand(text, depth: depth + 1)
    }

    private mutating func parameter(_ name: String) -> String {
        if !parameters.contains(name) { parameters.append(name) }
        return "{{ \(name) }}"
    }
}

extension Substring {
    /// Where `text` is in this one.
    fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
