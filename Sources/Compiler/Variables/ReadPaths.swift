import Templates

/// The dotted paths that templates read, without redundant ones.
enum ReadPaths {
    /// The paths in byte order, without duplicates and paths below another one.
    static func of(_ uses: [NameUse]) -> [[String]] {
        let paths = Set(uses.map(\.path)).filter { !$0.isEmpty }
        // In byte order, a path comes after all its prefixes.
        var kept: [[String]] = []
        for path in paths.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let last = kept.last, path.starts(with: last) { continue }
            kept.append(path)
        }
        return kept
    }
}
