/// Writes many host names short: `ld4-md[001-409,412]`.
package enum HostNameFolding {
    /// The names folded by the last number of their first label, in order of first appearance.
    ///
    /// Widths are kept: `md1` and `md01` are different hosts and fold apart.
    package static func fold(_ names: some Sequence<String>) -> String {
        var order: [Shape] = []
        var numbers: [Shape: [Int]] = [:]
        for name in names {
            let (shape, number) = split(name)
            if numbers[shape] == nil { order.append(shape) }
            numbers[shape, default: []] += number.map { [$0] } ?? []
        }
        return order.map { text(of: $0, numbers[$0] ?? []) }.joined(separator: ",")
    }

    private struct Shape: Hashable {
        let prefix: String
        let suffix: String
        /// How many digits the number is padded to; 0 where it is not.
        let width: Int
    }

    private static func split(_ name: String) -> (Shape, Int?) {
        let label = name.prefix { $0 != "." }
        guard let last = label.lastIndex(where: { $0.isASCII && $0.isNumber }) else {
            return (Shape(prefix: name, suffix: "", width: 0), nil)
        }
        let end = name.index(after: last)
        var start = last
        while start > name.startIndex {
            let before = name.index(before: start)
            guard name[before].isASCII, name[before].isNumber else { break }
            start = before
        }
        let digits = name[start..<end]
        guard digits.count <= 9, let number = Int(digits) else {
            return (Shape(prefix: name, suffix: "", width: 0), nil)
        }
        let shape = Shape(
            prefix: String(name[..<start]), suffix: String(name[end...]),
            width: digits.count)
        return (shape, number)
    }

    private static func text(of shape: Shape, _ numbers: [Int]) -> String {
        guard let first = numbers.first else { return shape.prefix }
        if numbers.count == 1 { return shape.prefix + pad(first, shape.width) + shape.suffix }
        var ranges: [(Int, Int)] = []
        for number in Set(numbers).sorted() {
            if let last = ranges.last, last.1 + 1 == number {
                ranges[ranges.count - 1].1 = number
            } else {
                ranges.append((number, number))
            }
        }
        let texts = ranges.map { low, high in
            low == high
                ? pad(low, shape.width)
                : pad(low, shape.width) + (high == low + 1 ? "," : "-") + pad(high, shape.width)
        }
        return "\(shape.prefix)[\(texts.joined(separator: ","))]\(shape.suffix)"
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
