import Linux

/// A file of `[section]` and `key = value` lines, as dnf reads it.
///
/// A line that begins with white space continues the value before; `#` and `;` begin comments.
struct IniFile: Sendable, Equatable {
    struct Section: Sendable, Equatable {
        var name: String
        var settings: [(key: String, value: String)] = []

        static func == (left: Section, right: Section) -> Bool {
            left.name == right.name
                && left.settings.elementsEqual(right.settings) { $0 == $1 }
        }
    }

    var sections: [Section] = []

    init() {}

    init(_ text: String) {
        for line in text.lines {
            let trimmed = line.trimmingSpaces()
            if trimmed.isEmpty || trimmed.hasPrefix("#") || trimmed.hasPrefix(";") { continue }
            if line.first?.isWhitespace == true, let last = sections.indices.last,
                let setting = sections[last].settings.indices.last
            {
                sections[last].settings[setting].value += " " + trimmed
            } else if trimmed.hasPrefix("["), trimmed.hasSuffix("]") {
                sections.append(Section(name: String(trimmed.dropFirst().dropLast())))
            } else if let equals = trimmed.firstIndex(of: "="), !sections.isEmpty {
                let key = trimmed[..<equals].trimmingSpaces()
                let value = trimmed[trimmed.index(after: equals)...].trimmingSpaces()
                sections[sections.count - 1].settings.append((key, value))
            }
        }
    }

    /// The effective value of a key, which is the last one.
    subscript(section: String, key: String) -> String? {
        sections.filter { $0.name == section }.flatMap(\.settings).last { $0.key == key }?.value
    }
}
