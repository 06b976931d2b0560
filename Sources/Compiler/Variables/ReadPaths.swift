import Templates

/// The set of dotted paths that some templates read.
enum ReadPaths {
    /// Each path once, none that another one already covers, in byte order.
    static func of(_ uses: [NameUse]) -> [[String]] {
        let paths = Set(uses.map(\.path)).filter { !$0.isEmpty }
        // In order, a path stands after every path that begins it.
        var kept: [[String]] = []
        for path in paths.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let last = kept.last, path.starts(with: last) { continue }
            kept.append(path)
        }
        return kept
    }
}
