import Templates

/// The set of dotted paths that some templates read.
enum ReadPaths {
    /// Each path once, none that another one already covers, in byte order.
    ///
    /// `except` is a name the templates are given themselves: the element of a `for_each`.
    static func of(_ uses: [NameUse], except own: String? = nil) -> [[String]] {
        let paths = Set(uses.map(\.path)).filter { !$0.isEmpty && $0.first != own }
        // In order, a path stands after every path that begins it.
        var kept: [[String]] = []
        for path in paths.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let last = kept.last, path.starts(with: last) { continue }
            kept.append(path)
        }
        return kept
    }
}
