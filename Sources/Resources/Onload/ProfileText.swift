import FleetModel
import Kinds
import Linux
import SystemFaults

/// An OpenOnload profile read as data: its settings, its imports, and lines of other shell code.
struct ProfileText: Sendable, Equatable {
    struct Setting: Sendable, Equatable {
        var name: String
        var value: String
    }

    enum Line: Sendable, Equatable {
        case set(Setting)
        case importing(String)
        /// A line of shell code that is not interpreted, by its number.
        case opaque(Int)
    }

    var lines: [Line] = []

    init(_ text: String) {
        for (index, line) in text.lines.enumerated() {
            let plain = line.trimmingSpaces()
            if plain.isEmpty || plain.hasPrefix("#") { continue }
            lines.append(Self.line(plain) ?? .opaque(index + 1))
        }
    }

    private static func line(_ text: String) -> Line? {
        guard let words = words(of: text), let first = words.first else { return nil }
        switch (first, words.count) {
        case ("onload_set", 3): return .set(Setting(name: words[1], value: words[2]))
        case ("onload_set", 2): return .set(Setting(name: words[1], value: ""))
        case ("onload_import", 2): return .importing(words[1])
        default: break
        }
        guard words.count == 1, let equals = first.firstIndex(of: "=") else { return nil }
        let name = String(first[..<equals])
        guard name.hasPrefix("EF_") else { return nil }
        return .set(Setting(name: name, value: String(first[first.index(after: equals)...])))
    }

    /// Words of a line of shell; nil where it holds more than words and quotes.
    private static func words(of text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open {
                    quote = nil
                } else if open == "\"", "$`\\".contains(character) {
                    return nil
                } else {
                    word = (word ?? "") + String(character)
                }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character == "#", word == nil {
                break
            } else if character.isWhitespace {
                if let done = word { words.append(done) }
                word = nil
            } else if "$`\\;&|<>(){}*?[]!~".contains(character) {
                return nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if quote != nil { return nil }
        if let word { words.append(word) }
        return words
    }

    /// The text of the declared profile; its own settings come first, since the first one applies.
    static func text(_ declaration: OnloadProfileDeclaration) -> String {
        OnloadSettings.head
            + declaration.settings.sorted { $0.key < $1.key }.map {
                "onload_set \($0.key) \(quoted($0.value))\n"
            }.joined()
            + declaration.imports.map { "onload_import \($0)\n" }.joined()
    }

    private static func quoted(_ value: String) -> String {
        let plain = value.utf8.allSatisfy {
            (48...57).contains($0) || (97...122).contains($0 | 32)
                || Array("_-.,:/+=@%".utf8).contains($0)
        }
        return plain && !value.isEmpty ? value : "'\(value)'"
    }
}

/// The settings of a profile, including everything it imports.
struct ProfileSettings: Sendable, Equatable {
    /// By name; the first of several applies.
    var values: [String: String] = [:]
    /// Lines that were not interpreted: `latency-best.opf:7`.
    var opaque: [String] = []
    /// Imported profiles that do not exist.
    var missing: [String] = []

    init(_ text: String, of name: String, on machine: any Machine) throws(AgentFault) {
        var seen: Set<String> = [name]
        try add(ProfileText(text), of: name, &seen, on: machine)
    }

    private mutating func add(
        _ profile: ProfileText, of name: String, _ seen: inout Set<String>, on machine: any Machine
    ) throws(AgentFault) {
        for line in profile.lines {
            switch line {
            case .set(let setting):
                if values[setting.name] == nil { values[setting.name] = setting.value }
            case .opaque(let number): opaque.append("\(name):\(number)")
            case .importing(let other):
                guard seen.insert(other).inserted else { continue }
                var text: String?
                for suffix in [".opf", ".opf-fragment"] where text == nil {
                    text = try machine.readText(
                        "\(OnloadProfileDeclaration.folder)/\(other)\(suffix)")
                }
                guard let text else {
                    missing.append(other)
                    continue
                }
                try add(ProfileText(text), of: other, &seen, on: machine)
            }
        }
    }
}

/// The names of settings that the installed library knows, found in its file.
struct OnloadOptionNames: Sendable {
    private(set) var names: Set<String> = []

    /// Nil where no library is installed.
    init?(on machine: any Machine) throws(AgentFault) {
        for folder in OnloadDisk.libraryFolders {
            let path = "\(folder)/libonload.so"
            guard try OnloadDisk.isThere(path, on: machine) else { continue }
            var word: [UInt8] = []
            var found: Set<[UInt8]> = []
            try attempt("read \(path)") { () throws(SystemError) in
                try machine.read(path) { piece in
                    for byte in piece {
                        // A name consists of A-Z, 0-9 and _; any other byte ends it.
                        if (65...90).contains(byte) || byte == 95 || (48...57).contains(byte) {
                            if word.count < 64 { word.append(byte) }
                        } else if !word.isEmpty {
                            if word.count > 3, word[0] == 69, word[1] == 70, word[2] == 95 {
                                found.insert(word)
                            }
                            word.removeAll(keepingCapacity: true)
                        }
                    }
                }
            }
            names = Set(found.map { String(decoding: $0, as: UTF8.self) })
            return
        }
        return nil
    }

    /// The known names with the longest common prefix, three at most.
    func alike(_ name: String) -> [String] {
        let ranked = names.map { (length: $0.commonPrefix(with: name).count, name: $0) }
        let most = ranked.map(\.length).max() ?? 0
        return ranked.filter { $0.length == most && most > 3 }.map(\.name).sorted().prefix(3).map {
            $0
        }
    }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> Substring {
        let length = zip(utf8, other.utf8).prefix { $0 == $1 }.count
        return prefix(length)
    }
}
