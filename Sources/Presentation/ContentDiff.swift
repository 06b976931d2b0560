/// The lines that differ between two texts, with context, as `diff -u` shows them.
package enum ContentDiff {
    /// The hunks as lines that begin with a space, `-` or `+`; bounded.
    ///
    /// - Parameters:
    ///   - context: unchanged lines around each change.
    ///   - limit: the largest number of lines; a last line has the number of those left out.
    package static func lines(
        from before: String, to after: String, context: Int = 3, limit: Int = 60
    ) -> [String] {
        let old = split(before)
        let new = split(after)
        if old.count + new.count > 20_000 { return ["… too long to compare line by line"] }
        let edits = merged(old, new)
        var shown: [String] = []
        for (index, edit) in edits.enumerated() {
            let nearby = edits[max(0, index - context)...min(edits.count - 1, index + context)]
            if nearby.contains(where: { $0.mark != " " }) {
                if let gap = gapBefore(index, edits, context) { shown.append(gap) }
                shown.append("\(edit.mark)\(edit.line)")
            }
        }
        if shown.count > limit {
            return shown.prefix(limit) + ["… \(shown.count - limit) more lines"]
        }
        return shown
    }

    private struct Edit {
        let mark: Character
        let line: Substring
        /// The line's number in the new text.
        let number: Int
    }

    private static func gapBefore(_ index: Int, _ edits: [Edit], _ context: Int) -> String? {
        guard index > 0 else { return nil }
        let before = index - 1
        let nearby = edits[max(0, before - context)...min(edits.count - 1, before + context)]
        return nearby.contains { $0.mark != " " } ? nil : "@@ line \(edits[index].number) @@"
    }

    private static func merged(_ old: [Substring], _ new: [Substring]) -> [Edit] {
        let difference = new.difference(from: old)
        let removed = Set(difference.removals.map(offset))
        let inserted = Set(difference.insertions.map(offset))
        var edits: [Edit] = []
        var i = 0
        var j = 0
        while i < old.count || j < new.count {
            if i < old.count, removed.contains(i) {
                edits.append(Edit(mark: "-", line: old[i], number: j + 1))
                i += 1
            } else if j < new.count, inserted.contains(j) {
                edits.append(Edit(mark: "+", line: new[j], number: j + 1))
                j += 1
            } else {
                edits.append(Edit(mark: " ", line: new[j], number: j + 1))
                i += 1
                j += 1
            }
        }
        return edits
    }

    private static func offset(_ change: CollectionDifference<Substring>.Change) -> Int {
        switch change {
        case .insert(let offset, _, _), .remove(let offset, _, _): offset
        }
    }

    private static func split(_ text: String) -> [Substring] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
