/// A configuration file of tuned: sections of settings, each with its place (tuned.conf(5)).
struct TunedFile {
    struct Setting: Equatable {
        var name: String
        var value: String
        /// `/usr/lib/tuned/realtime/tuned.conf:12`.
        var place: String
    }

    struct Section: Equatable {
        var name: String
        var settings: [Setting] = []
    }

    /// Settings before any section are in the one without a name, as in files of variables.
    var sections: [Section] = [Section(name: "")]

    init(_ text: String, path: String) {
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = Self.trimmed(raw)
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
                sections.append(
                    Section(name: Self.trimmed(line[line.index(after: line.startIndex)..<end])))
                continue
            }
            guard let equals = line.firstIndex(of: "=") else { continue }
            var value = Self.trimmed(line[line.index(after: equals)...])
            if value.count >= 2, let quote = value.first, "\"'".contains(quote), value.last == quote
            {
                value = String(value.dropFirst().dropLast())
            }
            sections[sections.count - 1].settings.append(
                Setting(
                    name: Self.trimmed(line[..<equals]), value: value,
                    place: "\(path):\(index + 1)"))
        }
    }

    func section(_ name: String) -> Section? { sections.first { $0.name == name } }

    static func trimmed(_ text: some StringProtocol) -> String {
        let tail = text.drop(while: \.isWhitespace)
        let end = tail.lastIndex { !$0.isWhitespace }
        return end.map { String(tail[...$0]) } ?? ""
    }
}
