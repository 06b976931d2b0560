extension CPUList {
    /// Reads a CPU list that the kernel printed; nil if the text is not a list.
    ///
    /// The kernel prints an empty list in several forms: an empty line, a NUL, blanks in the width
    /// of a full mask, or `(null)`.
    package init?(kernelText text: some StringProtocol) {
        let plain = String(text.map { $0 == "\0" ? " " : $0 })
        let words = plain.split(whereSeparator: \.isWhitespace)
        if words == ["(null)"] {
            self.init([])
            return
        }
        guard let list = try? CPUList(parsing: plain) else { return nil }
        self = list
    }
}
