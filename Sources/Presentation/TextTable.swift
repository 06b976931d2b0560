/// Rows in columns as wide as their widest cell.
package enum TextTable {
    /// The lines of a table; `right` names the columns aligned to the right.
    package static func lines(
        head: [String], rows: [[String]], right: Set<Int> = [], indent: String = ""
    ) -> [String] {
        let all = [head] + rows
        let widths = head.indices.map { column in
            all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return all.map { row in
            var line = indent
            for (column, cell) in row.enumerated() {
                let space = String(repeating: " ", count: max(0, widths[column] - cell.count))
                let isLast = column == row.count - 1
                line += right.contains(column) ? space + cell : cell + (isLast ? "" : space)
                if !isLast { line += "  " }
            }
            return line
        }
    }
}
