import FleetModel
import Wire

/// Decides which faults of several hosts are the same; of these only the first is shown, in full.
///
/// They may differ in the host's name, addresses, fingerprints, digests, times and process IDs. Any
/// other number is part of the fault: status 1 is a different fault from status 2.
enum FaultFolding {
    /// A key that is equal for faults that are shown as one.
    static func key(of fault: AgentFault, on host: String) -> JSON {
        var before = ""
        let words = fault.cause.split(separator: " ").map { word -> String in
            defer { before = String(word) }
            return isName(word, after: before, on: host) ? "#" : String(word)
        }
        return [
            .string(fault.code), .string(words.joined(separator: " ")), .string(fault.hint ?? ""),
        ]
    }

    private static func isName(
        _ word: Substring, after before: String, on host: String
    ) -> Bool {
        let core = word.drop { "([\"'<".contains($0) }
        let end = core.lastIndex { !")]\"'>,.;:".contains($0) }
        guard let end else { return false }
        let name = core[...end]
        if ["process", "pid"].contains(before), name.allSatisfy(isDigit) { return true }
        return contains(host, in: name) || isAddress(name) || isFingerprint(name)
            || isTime(name)
    }

    /// Whether a word contains the whole name of the host: `md1:22` contains `md1`; `md10` does not.
    private static func contains(_ host: String, in word: Substring) -> Bool {
        if host.isEmpty { return false }
        var rest = word[...]
        while let found = rest.firstRange(of: host) {
            let before =
                found.lowerBound == word.startIndex
                ? nil : word[word.index(before: found.lowerBound)]
            let after = found.upperBound == word.endIndex ? nil : word[found.upperBound]
            if [before, after].allSatisfy({ $0.map { !$0.isLetter && !isDigit($0) } ?? true }) {
                return true
            }
            rest = word[word.index(after: found.lowerBound)...]
        }
        return false
    }

    /// `10.0.0.1`, `10.0.0.1:22`, `fe80::1%eth0`, `[fe80::1]:22`, `srv-01.example:22`.
    private static func isAddress(_ word: Substring) -> Bool {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count > 2 {
            return parts.allSatisfy { part in
                part.prefix { $0 != "%" && $0 != "]" }.allSatisfy(\.isHexDigit)
            }
        }
        guard parts.count == 1 || parts[1].allSatisfy(isDigit) else { return false }
        let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        if labels.count == 4, labels.allSatisfy({ UInt8($0) != nil }) { return true }
        // A DNS name: its last label has no digit; the last part of a version has one.
        return labels.count > 1 && word.contains(where: isDigit)
            && labels.allSatisfy { label in
                !label.isEmpty
                    && label.allSatisfy { $0.isASCII && ($0.isLetter || isDigit($0) || $0 == "-") }
            } && labels[labels.count - 1].allSatisfy(\.isLetter)
    }

    /// A key's fingerprint as OpenSSH prints it, or a digest.
    private static func isFingerprint(_ word: Substring) -> Bool {
        if word.hasPrefix("SHA256:") || word.hasPrefix("MD5:") { return true }
        return word.count >= 8 && word.allSatisfy(\.isHexDigit)
            && (word.contains(where: \.isLetter) || word.count >= 32)
    }

    /// `2026-11-21T05:30:00Z`.
    private static func isTime(_ word: Substring) -> Bool {
        word.count == 20 && word.hasSuffix("Z") && word.dropFirst(10).first == "T"
            && word.prefix(4).allSatisfy(isDigit)
    }

    private static func isDigit(_ character: Character) -> Bool {
        character.isASCII && character.isNumber
    }
}
