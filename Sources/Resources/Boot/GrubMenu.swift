import Linux
import Wire

/// The menu in a grub.cfg: which entry boots next, and with which command line.
///
/// Reads what grub-mkconfig writes (GRUB manual, "Configuration"): entries and submenus, each with
/// a title and an id, and each `set default=`.
package struct GrubMenu: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var title: String
        package var id: String?
        /// The path of the kernel as GRUB sees it.
        package var kernel: String?
        /// The rest of the line after the kernel's path, with quotes and escapes.
        package var arguments = ""
        /// The line of the `linux` command, from 1.
        package var line = 0
        package var entries: [Entry] = []
        package var isSubmenu = false
    }

    package private(set) var entries: [Entry] = []
    /// The values that `set default=` assigns, in the order of the file.
    package private(set) var defaults: [String] = []

    package init(_ text: String) {
        var open: [(entry: Entry, depth: Int)] = []
        var depth = 0
        for (index, line) in text.lines.enumerated() {
            let words = GrubText.words(String(line))
            guard let first = words.first else { continue }
            switch first {
            case "menuentry", "submenu":
                guard words.last == "{", words.count > 2 else { continue }
                var entry = Entry(title: words[1])
                entry.isSubmenu = first == "submenu"
                // `$menuentry_id_option` is `--id` where GRUB is new enough.
                if let place = words.firstIndex(where: { $0.hasSuffix("id_option") || $0 == "--id" }
                ), place + 1 < words.count {
                    entry.id = words[place + 1]
                }
                depth += 1
                open.append((entry, depth))
                continue
            case "linux", "linux16", "linuxefi":
                if !open.isEmpty, words.count > 1 {
                    open[open.count - 1].entry.kernel = words[1]
                    open[open.count - 1].entry.arguments = GrubText.after(2, of: String(line))
                    open[open.count - 1].entry.line = index + 1
                }
            case "set":
                if words.count > 1, words[1].hasPrefix("default=") {
                    defaults.append(String(words[1].dropFirst("default=".count)))
                }
            default: break
            }
            if words.last == "{" { depth += 1 }
            guard first == "}" else { continue }
            if let last = open.last, last.depth == depth {
                open.removeLast()
                if open.isEmpty {
                    entries.append(last.entry)
                } else {
                    open[open.count - 1].entry.entries.append(last.entry)
                }
            }
            depth -= 1
        }
    }

    /// The entry that boots next, given the variables of grubenv; nil if the menu is empty.
    ///
    /// A one-time choice (`next_entry`) takes precedence over the default. If the default names no
    /// entry, GRUB boots the first one.
    package func next(_ environment: [String: String]) -> Entry? {
        var wanted = environment["next_entry"] ?? ""
        if wanted.isEmpty {
            let set = defaults.last { !$0.contains(text: "next_entry") } ?? "0"
            wanted = set.contains(text: "saved_entry") ? environment["saved_entry"] ?? "0" : set
        }
        return find(wanted) ?? GrubMenu.first(entries)
    }

    private func find(_ name: String) -> Entry? {
        var level = entries
        var found: Entry?
        for part in name.split(separator: ">").map(String.init) {
            let named = level.first { $0.title == part || $0.id == part }
            let numbered = Int(part).flatMap { level.indices.contains($0) ? level[$0] : nil }
            guard let entry = named ?? numbered else { return nil }
            found = entry
            level = entry.entries
        }
        return found.flatMap { $0.isSubmenu ? GrubMenu.first($0.entries) : $0 }
    }

    private static func first(_ entries: [Entry]) -> Entry? {
        guard let entry = entries.first else { return nil }
        return entry.isSubmenu ? first(entry.entries) : entry
    }

    /// The variables of a grubenv block (grub-editenv).
    package static func environment(_ text: String) -> [String: String] {
        var all: [String: String] = [:]
        for line in text.filledLines where !line.hasPrefix("#") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            all[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        return all
    }
}

/// The part of GRUB's script language that menus use.
package enum GrubText {
    /// The words of a line, without their quotes.
    static func words(_ line: String) -> [String] { pieces(line).map(\.word) }

    /// The rest of a line after `count` words, with quotes and escapes.
    static func after(_ count: Int, of line: String) -> String {
        let pieces = pieces(line)
        guard count < pieces.count else { return "" }
        return String(line[pieces[count].start...])
    }

    private static func pieces(_ line: String) -> [(word: String, start: String.Index)] {
        var all: [(String, String.Index)] = []
        var word: String?
        var start = line.startIndex
        var quote: Character?
        var isEscaped = false
        for index in line.indices {
            let character = line[index]
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if let open = quote {
                if character == open {
                    quote = nil
                } else {
                    word = (word ?? "") + String(character)
                }
            } else if character.isWhitespace {
                if let word { all.append((word, start)) }
                word = nil
            } else if character == "#", word == nil {
                break
            } else {
                if word == nil { start = index }
                if character == "'" || character == "\"" {
                    quote = character
                    word = word ?? ""
                } else if character == "\\" {
                    isEscaped = true
                    word = word ?? ""
                } else {
                    word = (word ?? "") + String(character)
                }
            }
        }
        if let word { all.append((word, start)) }
        return all
    }

    /// The characters that GRUB interprets unless they are escaped.
    private static let special: Set<Character> = ["$", ";", "&", "|", "<", ">"]

    /// A parameter as it must be written in grub.cfg, with GRUB's special characters escaped.
    static func escape(_ text: String) -> String {
        String(text.flatMap { special.contains($0) ? ["\\", $0] : [$0] })
    }

    /// The text that the kernel gets from a text in grub.cfg: without escapes, with quotes.
    static func unescape(_ text: String) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if character == "\\", !isEscaped {
                isEscaped = true
                continue
            }
            isEscaped = false
            result.append(character)
        }
        return result
    }
}
