import FleetModel
import Kinds
import Linux
import SystemFaults

/// The lines of an authorized_keys file, as sshd(8) describes them.
package struct AuthorizedKeysFile: Sendable, Equatable {
    enum Line: Sendable, Equatable {
        case key(PublicKeyLine)
        /// A comment, an empty line, or a line that sshd would not accept as a key.
        case other(String)

        var text: String {
            switch self {
            case .key(let line): line.text
            case .other(let text): text
            }
        }

        var key: PublicKeyLine? { if case .key(let line) = self { line } else { nil } }
    }

    var lines: [Line]

    package init(_ text: String) {
        lines = text.rawLines.map { part in
            let line = String(part)
            return PublicKeyLine(line).map(Line.key) ?? .other(line)
        }
    }

    package var text: String { lines.map { $0.text + "\n" }.joined() }

    /// The keys in order.
    package var keys: [PublicKeyLine] { lines.compactMap(\.key) }
}

/// One key of an authorized_keys file: `OPTIONS TYPE BASE64 COMMENT`.
package struct PublicKeyLine: Sendable, Equatable {
    package var options: [String]
    package var key: PublicKey
    package var comment: String?
    /// The line as it was read; nil if the line was built or changed here.
    private var original: String?

    init(options: [String], key: PublicKey, comment: String?) {
        self.options = options
        self.key = key
        self.comment = comment
    }

    /// Parses a line; nil if it holds no key.
    init?(_ line: String) {
        let text = line.drop { $0 == " " || $0 == "\t" }
        guard !text.isEmpty, !text.hasPrefix("#") else { return nil }
        var rest = text
        var options: [String] = []
        if !PublicKey.isType(text.prefix { $0 != " " && $0 != "\t" }) {
            guard let (found, left) = Self.options(text) else { return nil }
            options = found
            rest = left
        }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        guard let key = try? PublicKey(String(rest)) else { return nil }
        self.options = options
        self.key = key
        comment = key.comment
        original = line
    }

    /// Splits the options off: outside of quotes, commas separate them and a blank ends them.
    private static func options(_ text: Substring) -> (options: [String], rest: Substring)? {
        var options: [String] = []
        var option = ""
        var isQuoted = false
        var isEscaped = false
        var index = text.startIndex
        while index < text.endIndex {
            let character = text[index]
            if !isQuoted, character == " " || character == "\t" { break }
            if !isQuoted, character == "," {
                options.append(option)
                option = ""
            } else {
                option.append(character)
            }
            if character == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = character == "\\" && !isEscaped
            index = text.index(after: index)
        }
        guard !isQuoted, !option.isEmpty else { return nil }
        options.append(option)
        return (options, text[index...].drop { $0 == " " || $0 == "\t" })
    }

    var text: String {
        if let original { return original }
        let parts = [options.joined(separator: ","), key.type, key.base64, comment ?? ""]
        return parts.filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// The line with these options and this comment; the same line if they do not differ.
    func with(options: [String], comment: String?) -> PublicKeyLine {
        if Set(options) == Set(self.options), comment == self.comment { return self }
        return PublicKeyLine(options: options, key: key, comment: comment)
    }

    /// The text shown to people: `SHA256:… alice@laptop`.
    var shown: String { key.fingerprint + (comment.map { " \($0)" } ?? "") }
}

/// What sshd_config on the host says about authorized_keys files.
struct AuthorizedKeysPolicy: Sendable, Equatable {
    /// The first pattern of AuthorizedKeysFile; nil for `none`.
    var pattern: String? = ".ssh/authorized_keys"
    /// StrictModes: whether sshd ignores files to which other users may write.
    var isStrict = true

    init() {}

    /// Reads /etc/ssh/sshd_config up to the first Match; the first value of a keyword counts.
    init(on machine: any Machine) throws(AgentFault) {
        var values: [String: [String]] = [:]
        try Self.read("/etc/ssh/sshd_config", into: &values, depth: 0, on: machine)
        if let files = values["authorizedkeysfile"], let first = files.first {
            pattern = first == "none" ? nil : first
        }
        if let strict = values["strictmodes"]?.first { isStrict = strict.lowercased() != "no" }
    }

    /// The bytes that separate words on a line of sshd_config.
    private static let separators = Array(" \t=\"".utf8)

    private static func read(
        _ path: String, into values: inout [String: [String]], depth: Int, on machine: any Machine
    ) throws(AgentFault) {
        let text = try machine.readText(path, limit: 1 << 20)
        // By bytes: most of the file is comments, and splitting characters is slow.
        for line in (text ?? "").lines {
            let bare = line.utf8.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if bare.first == UInt8(ascii: "#") { continue }
            let words = bare.split { byte in Self.separators.contains(byte) }
            guard let keyword = words.first.map({ Substring($0).lowercased() }) else { continue }
            if keyword == "match" { return }
            let arguments = words.dropFirst().map { String(Substring($0)) }
            if keyword == "include", depth < 4 {
                for pattern in arguments {
                    for file in try files(matching: pattern, on: machine) {
                        try read(file, into: &values, depth: depth + 1, on: machine)
                    }
                }
            } else if values[keyword] == nil {
                values[keyword] = arguments
            }
        }
    }

    /// The files of an Include: a path, or one directory with a `*` in the last part.
    private static func files(
        matching pattern: String, on machine: any Machine
    ) throws(AgentFault) -> [String] {
        let path = pattern.hasPrefix("/") ? pattern : "/etc/ssh/" + pattern
        let parts = PathName.last(of: path).split(
            separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return [path] }
        let directory = PathName.parent(of: path)
        let names = try attempt("list \(directory)") { () throws(SystemError) in
            try machine.listIfPresent(directory)
        }
        return names.filter { $0.hasPrefix(parts[0]) && $0.hasSuffix(parts[1]) }
            .map { PathName.join(directory, $0) }
    }

    /// The file of a user: `%h` is the home, `%u` the name, `%U` the uid.
    ///
    /// A relative path is in the home. Nil if AuthorizedKeysFile is `none`.
    func path(user: String, home: String, uid: UInt32) -> String? {
        guard let pattern else { return nil }
        var path = ""
        var rest = pattern[...]
        while let character = rest.popFirst() {
            guard character == "%", let code = rest.popFirst() else {
                path.append(character)
                continue
            }
            switch code {
            case "h": path += home
            case "u": path += user
            case "U": path += String(uid)
            default: path.append(code)
            }
        }
        return path.hasPrefix("/") ? path : PathName.join(home, path)
    }
}
