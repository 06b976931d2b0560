/// A shell pattern over names: `*`, `?`, `[seq]`, `[!seq]`; it matches whole names only.
struct Glob {
    private enum Part {
        case character(Character)
        case any
        case run
        case set([ClosedRange<Character>], isNegated: Bool)
    }

    private let parts: [Part]

    init(_ pattern: String) {
        var parts: [Part] = []
        var rest = pattern[...]
        while let character = rest.popFirst() {
            switch character {
            case "*": parts.append(.run)
            case "?": parts.append(.any)
            case "[": parts.append(Self.set(&rest) ?? .character("["))
            default: parts.append(.character(character))
            }
        }
        self.parts = parts
    }

    /// The set after a `[`; nil, with nothing consumed, if it is never closed.
    private static func set(_ rest: inout Substring) -> Part? {
        var inner = rest
        let isNegated = inner.first == "!"
        if isNegated { inner.removeFirst() }
        var members: [Character] = []
        // A ] in first position is a member of the set.
        while let character = inner.popFirst() {
            if character == "]", !members.isEmpty {
                rest = inner
                return .set(ranges(members), isNegated: isNegated)
            }
            members.append(character)
        }
        return nil
    }

    private static func ranges(_ members: [Character]) -> [ClosedRange<Character>] {
        var ranges: [ClosedRange<Character>] = []
        var index = 0
        while index < members.count {
            let low = members[index]
            if index + 2 < members.count, members[index + 1] == "-" {
                let high = members[index + 2]
                if low <= high { ranges.append(low...high) }
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        return ranges
    }

    /// Whether it matches a whole name.
    func matches(_ name: String) -> Bool {
        let name = Array(name)
        var part = 0
        var index = 0
        // Where to continue when matching the part after the last * fails.
        var retry: (part: Int, index: Int)?
        while true {
            if part == parts.count, index == name.count { return true }
            if part < parts.count {
                if case .run = parts[part] {
                    retry = (part, index)
                    part += 1
                    continue
                }
                if index < name.count, accepts(parts[part], name[index]) {
                    part += 1
                    index += 1
                    continue
                }
            }
            guard let last = retry, last.index < name.count else { return false }
            retry = (last.part, last.index + 1)
            part = last.part + 1
            index = last.index + 1
        }
    }

    private func accepts(_ part: Part, _ character: Character) -> Bool {
        switch part {
        case .character(let wanted): wanted == character
        case .any: true
        case .run: false
        case .set(let ranges, let isNegated):
            ranges.contains { $0.contains(character) } != isNegated
        }
    }
}
