/// Finds the known name that was probably meant.
package enum NearestName {
    /// The known name nearest to a misspelt one; nil if none is near enough.
    ///
    /// A name is near enough if at most a third of the longer name's characters are inserted,
    /// removed, replaced or swapped with their neighbour. Of equally near names, the first in byte
    /// order is used.
    package static func of(_ name: String, in known: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased())
        var best: (distance: Int, name: String)?
        for candidate in known where candidate != name {
            let other = Array(candidate.lowercased())
            let limit = max(1, max(wanted.count, other.count) / 3)
            if abs(wanted.count - other.count) > limit { continue }
            let distance = self.distance(wanted, other)
            guard distance <= limit else { continue }
            if let found = best, (found.distance, found.name) <= (distance, candidate) { continue }
            best = (distance, candidate)
        }
        return best?.name
    }

    /// The hint `did you mean "swappiness"?`; nil if no name is near enough.
    package static func hint(for name: String, in known: some Sequence<String>) -> String? {
        of(name, in: known).map { "did you mean \"\($0)\"?" }
    }

    /// The optimal string alignment distance.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var value = min(
                    previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    value = min(value, beforePrevious[j - 1] + 1)
                }
                row.append(value)
            }
            beforePrevious = previous
            previous = row
        }
        return previous[b.count]
    }
}
