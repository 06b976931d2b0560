/// Writes many host names short: `ld4-md[001-409,412]`.
package enum HostNameFolding {
    /// The names folded by one of their numbers, in order of first appearance, each once.
    ///
    /// The last number in which several names differ is folded, wherever it is in the name:
    /// `web1-ny`, `10.0.0.1` and `rack2-md3.example.com` all fold. Padding is kept: `md01` and
    /// `md1` are different hosts and fold separately; `md9` and `md10` fold together.
    package static func fold(_ names: some Sequence<String>) -> String {
        var seen: Set<String> = []
        let parsed = names.filter { seen.insert($0).inserted }.map(Name.init)
        var open = Array(parsed.indices)
        var texts: [(position: Int, text: String)] = []
        // From the last number to the first: names that found no group try their next number.
        for back in 0..<(parsed.map(\.numbers.count).max() ?? 0) {
            var clusters: [Shape: [Int]] = [:]
            for index in open {
                if let shape = parsed[index].shape(back) {
                    clusters[shape, default: []].append(index)
                }
            }
            var folded: Set<Int> = []
            for (shape, members) in clusters where members.count > 1 {
                for group in byWidth(members, parsed, back) where group.count > 1 {
                    let numbers = group.compactMap { parsed[$0].number(back) }
                    texts.append((group[0], shape.text(numbers)))
                    folded.formUnion(group)
                }
            }
            open.removeAll(where: folded.contains)
        }
        texts += open.map { ($0, parsed[$0].text) }
        return texts.sorted { $0.position < $1.position }.map(\.text).joined(separator: ",")
    }

    /// Groups names of one shape by the padding of their numbers.
    private static func byWidth(_ members: [Int], _ names: [Name], _ back: Int) -> [[Int]] {
        let digits = members.map { names[$0].number(back)?.digits ?? "" }
        let padded = Set(digits.filter { $0.count > 1 && $0.first == "0" }.map(\.count))
        var groups: [Int: [Int]] = [:]
        var order: [Int] = []
        for (member, digits) in zip(members, digits) {
            // 0 stands for all widths that no padded number has.
            let width = padded.contains(digits.count) ? digits.count : 0
            if groups[width] == nil { order.append(width) }
            groups[width, default: []].append(member)
        }
        return order.compactMap { groups[$0] }
    }

    private struct Number {
        let digits: String
        let value: Int
    }

    /// The parts of a name before and after one of its numbers.
    private struct Shape: Hashable {
        let before: String
        let after: String

        func text(_ numbers: [Number]) -> String {
            var runs: [(first: Number, last: Number)] = []
            for number in numbers.sorted(by: { $0.value < $1.value }) {
                if let last = runs.last?.last, last.value + 1 == number.value {
                    runs[runs.count - 1].last = number
                } else {
                    runs.append((number, number))
                }
            }
            let texts = runs.map { first, last in
                switch last.value - first.value {
                case 0: first.digits
                case 1: "\(first.digits),\(last.digits)"
                default: "\(first.digits)-\(last.digits)"
                }
            }
            return "\(before)[\(texts.joined(separator: ","))]\(after)"
        }
    }

    /// A name with the places of its numbers.
    private struct Name {
        let text: String
        private(set) var numbers: [Range<String.Index>] = []

        init(_ text: String) {
            self.text = text
            var index = text.startIndex
            while index < text.endIndex {
                let end = text[index...].firstIndex { !isDigit($0) } ?? text.endIndex
                // Longer numbers do not fit in an integer, and are not counters.
                if index < end, text.distance(from: index, to: end) <= 15 {
                    numbers.append(index..<end)
                }
                index = end < text.endIndex ? text.index(after: end) : end
            }
        }

        private func range(_ back: Int) -> Range<String.Index>? {
            back < numbers.count ? numbers[numbers.count - 1 - back] : nil
        }

        func number(_ back: Int) -> Number? {
            range(back).flatMap { range in
                Int(text[range]).map { Number(digits: String(text[range]), value: $0) }
            }
        }

        func shape(_ back: Int) -> Shape? {
            range(back).map {
                Shape(
                    before: String(text[..<$0.lowerBound]), after: String(text[$0.upperBound...]))
            }
        }
    }
}

private func isDigit(_ character: Character) -> Bool {
    character.isASCII && character.isNumber
}
