/// Finds where source text names single kinds of resources: `kind == .nic`, `case .sysctl:`.
///
/// A case's name that no other type of the sources has is a kind wherever it stands after a dot. One
/// that others have too (`.file`, `.user`) counts where the line speaks of a kind, or where it is a
/// case of a switch over one.
struct KindPlaces {
    private let names: Set<String>
    private let shared: Set<String>

    /// `names` are the cases of `Kind`; `sources` all texts but the one that declares it.
    init(names: Set<String>, sources: [[Substring]]) {
        self.names = names
        var shared: Set<String> = []
        for line in sources.joined() {
            shared.formUnion(KindPlaces.declared(on: line).filter(names.contains))
        }
        self.shared = shared
    }

    /// The names of cases and static members that a line declares.
    static func declared(on line: Substring) -> [String] {
        var words = line.split { " (){}=:,".contains($0) }
        while let first = words.first, ["package", "private", "indirect"].contains(first) {
            words.removeFirst()
        }
        if words.first == "static", words.count > 2 { return [String(words[2])] }
        guard words.first == "case", words.count > 1, !words[1].hasPrefix(".") else { return [] }
        return words.dropFirst().map(String.init)
    }

    /// The kinds that a text names, by the number of the line, from 1.
    func found(in lines: [Substring]) -> [(line: Int, names: [String])] {
        var all: [(Int, [String])] = []
        /// The depth of braces, and the depths at which switches over a kind are open.
        var depth = 0
        var switches: [Int] = []
        var isInKind = false
        for (index, line) in lines.enumerated() {
            let code = KindPlaces.code(of: line)
            if code.hasPrefix("extension ") { isInKind = code.hasPrefix("extension Kind {") }
            let speaksOfKind = KindPlaces.words(of: code).contains {
                $0 == "Kind" || $0 == "kind" || $0.hasSuffix("Kind") || $0 == "kinds"
            }
            let isSwitch = KindPlaces.words(of: code).contains("switch")
            let isOverKind = speaksOfKind || (isInKind && code.contains("switch self"))
            let isCase = code.drop { $0 == " " }.hasPrefix("case ")
            let members = KindPlaces.members(of: code).filter(names.contains)
            let isOfKind =
                (speaksOfKind && !isSwitch) || (isCase && switches.last == depth)
                || isInKind && !isCase
            let named = members.filter { !shared.contains($0) || isOfKind }
            if !named.isEmpty { all.append((index + 1, named)) }
            for character in code {
                if character == "{" {
                    depth += 1
                    if isSwitch, isOverKind, switches.last != depth { switches.append(depth) }
                } else if character == "}" {
                    if switches.last == depth { switches.removeLast() }
                    depth -= 1
                }
            }
        }
        return all
    }

    /// A line without its comment and without what stands between double quotes.
    private static func code(of line: Substring) -> String {
        var code = ""
        var isQuoted = false
        var last: Character = " "
        for character in line {
            if character == "\"", last != "\\" { isQuoted.toggle() }
            if character == "/", last == "/", !isQuoted { return String(code.dropLast()) }
            if !isQuoted { code.append(character) }
            last = character
        }
        return code
    }

    private static func words(of code: String) -> [Substring] {
        code.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
    }

    /// Names after a dot that follows no value: `.nic` of `[.nic]`; and after `Kind.`.
    private static func members(of code: String) -> [String] {
        var found: [String] = []
        var before = ""
        for (index, part) in code.split(separator: ".", omittingEmptySubsequences: false)
            .enumerated()
        {
            let name = part.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            let isFree =
                before.last.map { !$0.isLetter && !$0.isNumber && !"_)]?!".contains($0) } ?? true
            if index > 0, isFree || before.hasSuffix("Kind") { found.append(String(name)) }
            before = String(part)
        }
        return found
    }
}
