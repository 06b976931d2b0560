/// A fault in an ssh_config file, with its place.
package struct SSHConfigError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Such as `~/.ssh/config:3`.
    package let place: String
    package let reason: String

    package init(place: String, reason: String) {
        self.place = place
        self.reason = reason
    }

    package var description: String { "\(place): \(reason)" }
}

/// One line of an ssh_config file, parsed as OpenSSH does.
struct ConfigLine: Sendable, Equatable {
    /// The keyword in lower case.
    let keyword: String
    /// The keyword as written, for messages.
    let writtenKeyword: String
    let arguments: [String]
    /// The unparsed rest of the line: some keywords take all of it.
    let rest: String
    let place: String

    private static let space: Set<UInt8> = [32, 9, 13, 10]

    /// Parses a line; nil for a blank line or a comment.
    init?(_ line: some Collection<UInt8>, place: String) throws(SSHConfigError) {
        var bytes = ArraySlice(line)
        while let last = bytes.last, Self.space.contains(last) || last == 12 { bytes.removeLast() }
        bytes = bytes.drop { Self.space.contains($0) }
        guard let first = bytes.first, first != UInt8(ascii: "#") else { return nil }

        var word: ArraySlice<UInt8>
        if first == UInt8(ascii: "\"") {
            let inner = bytes.dropFirst()
            guard let end = inner.firstIndex(of: UInt8(ascii: "\"")) else {
                throw SSHConfigError(place: place, reason: "a quote is not closed")
            }
            word = inner[..<end]
            bytes = inner[(end + 1)...]
        } else {
            let end = bytes.firstIndex { Self.space.contains($0) || $0 == UInt8(ascii: "=") }
            word = bytes[..<(end ?? bytes.endIndex)]
            bytes = bytes[(end ?? bytes.endIndex)...]
        }
        bytes = bytes.drop { Self.space.contains($0) }
        if bytes.first == UInt8(ascii: "=") {
            bytes = bytes.dropFirst().drop { Self.space.contains($0) }
        }
        writtenKeyword = String(decoding: word, as: UTF8.self)
        keyword = writtenKeyword.lowercased()
        rest = String(decoding: bytes, as: UTF8.self)
        self.place = place
        guard !bytes.isEmpty else {
            throw SSHConfigError(place: place, reason: "\(writtenKeyword) needs a value")
        }
        guard let arguments = Self.split(bytes) else {
            throw SSHConfigError(place: place, reason: "a quote is not closed")
        }
        self.arguments = arguments
    }

    /// Splits at blanks; quotes and backslashes work as in OpenSSH's argv_split.
    ///
    /// A `#` that begins a word ends the line. nil: a quote is not closed.
    static func split(_ bytes: some Collection<UInt8>) -> [String]? {
        let bytes = Array(bytes)
        var words: [String] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 32 || bytes[index] == 9 {
                index += 1
                continue
            }
            if bytes[index] == UInt8(ascii: "#") { break }
            var word: [UInt8] = []
            var quote: UInt8?
            while index < bytes.count {
                let byte = bytes[index]
                let next = index + 1 < bytes.count ? bytes[index + 1] : nil
                if byte == UInt8(ascii: "\\"), let next,
                    next == UInt8(ascii: "'") || next == UInt8(ascii: "\"")
                        || next == UInt8(ascii: "\\") || (quote == nil && next == 32)
                {
                    word.append(next)
                    index += 1
                } else if quote == nil, byte == 32 || byte == 9 {
                    break
                } else if quote == nil, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                    quote = byte
                } else if byte == quote {
                    quote = nil
                } else {
                    word.append(byte)
                }
                index += 1
            }
            if quote != nil { return nil }
            words.append(String(decoding: word, as: UTF8.self))
        }
        return words
    }
}
