import Kinds

/// Compares values of kernel parameters by their meaning.
package enum SysctlValue {
    /// The value with white space collapsed; the kernel separates with tabs.
    package static func normal(_ text: String) -> String {
        text.split { $0.isWhitespace || $0 == "\0" }.joined(separator: " ")
    }

    /// Whether two texts mean the same: integers as numbers, lists of CPUs or ports as sets.
    package static func same(_ left: String, _ right: String) -> Bool {
        let left = left.split { $0.isWhitespace || $0 == "\0" }
        let right = right.split { $0.isWhitespace || $0 == "\0" }
        return left.count == right.count
            && zip(left, right).allSatisfy { sameWord(String($0), String($1)) }
    }

    private static func sameWord(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        if let a = Int(left), let b = Int(right) { return a == b }
        let isList = { (text: String) in text.contains(",") || text.dropFirst().contains("-") }
        guard isList(left) || isList(right),
            let a = try? CPUList(parsing: left, largest: 65_535),
            let b = try? CPUList(parsing: right, largest: 65_535)
        else { return false }
        return a == b
    }
}
