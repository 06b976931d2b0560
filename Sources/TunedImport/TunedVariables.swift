/// Variables of a profile, and texts with them put in.
struct TunedVariables {
    /// Why a text has no value here.
    struct Underived: Error, Equatable {
        let reason: String
    }

    private var values: [String: String] = [:]
    /// Those that became parameters of the role, in the order they were met.
    private(set) var parameters: [String] = []

    mutating func set(_ setting: TunedFile.Setting) {
        // `x = ${x}` keeps what an included file gave.
        if setting.value == "${\(setting.name)}" { return }
        values[setting.name] = setting.value
    }

    /// The text with its variables put in: those that nobody set are parameters, `{{ name }}`.
    mutating func expand(_ text: String) throws(Underived) -> String { try expand(text, depth: 0) }

    private mutating func expand(_ text: String, depth: Int) throws(Underived) -> String {
        if depth > 20 { throw Underived(reason: "its variables stand for each other in a circle") }
        if text.contains("{{") || text.contains("{%") {
            throw Underived(reason: "it would be taken for a template")
        }
        var result = ""
        var rest = text[...]
        while let start = rest.range(of: "${") {
            result += rest[..<start.lowerBound]
            guard let end = Self.end(of: rest[start.upperBound...]) else {
                throw Underived(reason: "a brace of it is not closed")
            }
            result += try value(String(rest[start.upperBound..<end]), depth)
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    /// The brace that closes what was opened, over those within.
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
            // The text of a list is one that our own CPU lists are read from.
            if ["cpulist_unpack", "strip"].contains(function), parts.count == 2 {
                return try expand(String(parts[1]), depth: depth + 1)
            }
            throw Underived(reason: "tuned computes it on the host, by \(function)")
        }
        guard let text = values[name] else { return parameter(name) }
        // How many cores to keep is the policy of cpu_isolation: here the list is given.
        if text.contains("${f:calc_isolated_cores") { return parameter(name) }
        return try expand(text, depth: depth + 1)
    }

    private mutating func parameter(_ name: String) -> String {
        if !parameters.contains(name) { parameters.append(name) }
        return "{{ \(name) }}"
    }
}

extension Substring {
    /// Where a text begins in this one.
    fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
