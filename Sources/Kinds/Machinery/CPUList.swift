/// A set of small numbers in the kernel's list format: CPUs, NUMA nodes, ports.
///
/// The syntax is that of `bitmap_parselist` in the kernel: numbers, ranges `a-b` and strided ranges
/// `a-b:used/group`, separated by commas or white space; an empty text is the empty set. `N` and
/// `all` are refused because they depend on the machine, and so are masks and negations: a plan
/// names each CPU explicitly.
package struct CPUList: Sendable, Equatable {
    /// In ascending order, without duplicates.
    package let numbers: [Int]

    /// The largest CPU number: a kernel can be built for at most 8192 CPUs.
    package static let largestCPU = 8191

    package init(_ numbers: some Sequence<Int>) { self.numbers = Set(numbers).sorted() }

    /// Reads the list format; throws if any item is not valid.
    package init(parsing text: String, largest: Int = CPUList.largestCPU) throws(ValueFault) {
        var all: Set<Int> = []
        let items = text.split(omittingEmptySubsequences: true) { $0 == "," || $0.isWhitespace }
        if items.isEmpty && text.contains(",") { throw CPUList.fault(text[...], in: text) }
        for item in items { all.formUnion(try CPUList.item(item, in: text, largest: largest)) }
        numbers = all.sorted()
    }

    /// The normal form: in ascending order, adjacent numbers merged into ranges.
    package var text: String {
        var ranges: [(Int, Int)] = []
        for number in numbers {
            if let last = ranges.last, last.1 + 1 == number {
                ranges[ranges.count - 1].1 = number
            } else {
                ranges.append((number, number))
            }
        }
        return ranges.map { $0.0 == $0.1 ? "\($0.0)" : "\($0.0)-\($0.1)" }.joined(separator: ",")
    }

    private static func item(
        _ item: Substring, in text: String, largest: Int
    ) throws(ValueFault) -> [Int] {
        let halves = item.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let ends = halves[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = number(ends[0]), let last = number(ends[ends.count - 1]) else {
            throw fault(item, in: text)
        }
        if last < first {
            throw ValueFault("\(item) in \(ScalarText.shown(text)) is a descending range")
        }
        if last > largest {
            throw ValueFault("\(last) in \(ScalarText.shown(text)) is larger than \(largest)")
        }
        if halves.count == 1 { return Array(first...last) }
        let stride = halves[1].split(separator: "/", omittingEmptySubsequences: false)
        guard ends.count == 2, stride.count == 2, let used = number(stride[0]),
            let group = number(stride[1]), used > 0, used <= group
        else { throw fault(item, in: text) }
        return (first...last).filter { ($0 - first) % group < used }
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.count <= 6, text.utf8.allSatisfy({ (48...57).contains($0) })
        else {
            return nil
        }
        return Int(text)
    }

    private static func fault(_ item: Substring, in text: String) -> ValueFault {
        let hint =
            switch item.first {
            case "^", "!": "negation is not supported: list the CPUs"
            case "0" where item.lowercased().hasPrefix("0x"): "write a list, not a mask: 0-3,8"
            case "N", "n", "a", "A":
                "\(item) depends on the machine: write CPU numbers, or take them from facts"
            default:
                item.contains(":")
                    ? "write a strided range as FIRST-LAST:USED/GROUP: 0-62:1/2"
                    : "write CPUs and ranges: 0-3,8"
            }
        return ValueFault(
            "\"\(item.prefix(40))\" in \(ScalarText.shown(text)) is not a CPU or a range",
            hint: hint)
    }
}
