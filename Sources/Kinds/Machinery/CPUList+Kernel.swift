extension CPUList {
    /// Reads a list as the kernel prints it; nil for what is none.
    ///
    /// "None" has several forms there: an empty line, a NUL, blanks of the width of the machine,
    /// `(null)`.
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
