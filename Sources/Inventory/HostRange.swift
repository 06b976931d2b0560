import Diagnostics

/// Host names written as ranges: `md[01:20]`, `md[01:20:2]`, `rack[a:f]-[1:4]`.
enum HostRange {
    /// The largest number of hosts that one entry may expand to.
    static let limit = 1_000_000

    /// The names that one entry of an inventory expands to, and the port written after it.
    ///
    /// Numbers keep their leading zeros; both ends are included in the range.
    static func expand(
        _ entry: String, at place: Place
    ) throws(Faults) -> (names: [String], port: Int?) {
        let address = HostAddress(entry)
        let pattern = address?.host ?? entry
        guard pattern.contains("[") else { return ([pattern], address?.port) }
        var names = [""]
        var rest = pattern[...]
        while let open = rest.firstIndex(of: "[") {
            guard let close = rest[open...].firstIndex(of: "]") else {
                throw Faults(fault(entry, place, cause: "the [ is not closed"))
            }
            let head = rest[..<open]
            let values = try self.values(
                rest[rest.index(after: open)..<close], entry: entry, at: place)
            if names.count * values.count > limit {
                throw Faults(fault(entry, place, cause: "it stands for more than \(limit) hosts"))
            }
            names = names.flatMap { name in values.map { name + head + $0 } }
            rest = rest[rest.index(after: close)...]
        }
        return (names.map { $0 + rest }, address?.port)
    }

    private static func fault(_ entry: String, _ place: Place, cause: String) -> Diagnostic {
        Diagnostic(
            "host-range", "the host range \"\(entry)\" cannot be read", at: place, cause: cause,
            hint: "write [first:last] or [first:last:step], as in md[01:20] or rack[a:f]")
    }

    private static func values(
        _ range: Substring, entry: String, at place: Place
    ) throws(Faults) -> [String] {
        let parts = range.split(separator: ":", omittingEmptySubsequences: false)
        func refuse(_ cause: String) -> Faults { Faults(fault(entry, place, cause: cause)) }
        guard (2...3).contains(parts.count) else {
            throw refuse("[\(range)] has \(parts.count == 1 ? "no end" : "too many parts")")
        }
        guard let step = parts.count == 3 ? Int(parts[2]) : 1, step > 0 else {
            throw refuse("the step must be a whole number above 0")
        }
        let first = parts[0].isEmpty ? "0" : parts[0]
        let last = parts[1]
        if last.isEmpty { throw refuse("[\(range)] has no end") }
        let isPadded = first.first == "0" && first.count > 1
        if isPadded, first.count != last.count {
            throw refuse("with leading zeros both ends must have as many digits")
        }
        if let low = letterIndex(first), let high = letterIndex(last) {
            if low > high { throw refuse("it ends before it begins") }
            return stride(from: low, through: high, by: step).map { String(letters[$0]) }
        }
        guard let low = Int(first), let high = Int(last), low >= 0 else {
            throw refuse("both ends must be numbers, or both single letters")
        }
        if low > high { throw refuse("it ends before it begins") }
        if (high - low) / step >= limit { throw refuse("it stands for more than \(limit) hosts") }
        return stride(from: low, through: high, by: step).map { number in
            let text = String(number)
            let zeros = isPadded ? max(0, first.count - text.count) : 0
            return String(repeating: "0", count: zeros) + text
        }
    }

    /// Lower-case letters come before upper-case ones, as in Ansible.
    private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

    private static func letterIndex(_ text: Substring) -> Int? {
        text.count == 1 ? text.first.flatMap { letters.firstIndex(of: $0) } : nil
    }
}
