/// Search in text by its UTF-8 bytes.
///
/// Two texts are equal here only if their bytes are: `==` of `String` also takes canonically equivalent
/// texts for equal, which names and files of a host are not. The library's own search works by Character,
/// and brings its regular expressions into the agent.
extension StringProtocol {
    /// Whether the bytes of `text` occur in this text; true for an empty one.
    package func contains(text: some StringProtocol) -> Bool {
        let sought = Array(text.utf8)
        return Array(utf8).offset(of: sought, from: 0) != nil
    }

    /// A copy in which `other` stands for every `text`, searched from the start, without overlaps.
    package func replacing(text: some StringProtocol, by other: some StringProtocol) -> String {
        let sought = Array(text.utf8)
        let all = Array(utf8)
        guard !sought.isEmpty else { return String(self) }
        var result: [UInt8] = []
        var start = 0
        while let found = all.offset(of: sought, from: start) {
            result += all[start..<found]
            result += other.utf8
            start = found + sought.count
        }
        result += all[start...]
        return String(decoding: result, as: UTF8.self)
    }
}

extension Array<UInt8> {
    /// Where `sought` first occurs at or after `start`; nil if it does not.
    package func offset(of sought: [UInt8], from start: Int) -> Int? {
        guard let first = sought.first else { return start }
        guard sought.count <= count else { return nil }
        let last = count - sought.count
        var at = start
        while at <= last {
            if self[at] == first, self[at..<at + sought.count].elementsEqual(sought) { return at }
            at += 1
        }
        return nil
    }
}
