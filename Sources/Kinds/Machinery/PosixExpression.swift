import Glibc

/// A POSIX extended regular expression, compiled by the C library and matched by bytes.
///
/// The syntax is that of `grep -E` in the C locale. Back-references are refused: POSIX does not
/// define them for extended expressions, and they can take exponential time. The C functions are
/// `regcomp` and `regexec`.
///
/// Unchecked: the compiled expression never changes, and POSIX allows `regexec` in several threads
/// at once.
package final class PosixExpression: @unchecked Sendable {
    package let pattern: String
    private let compiled: UnsafeMutablePointer<regex_t>

    /// Compiles a pattern of at most 1,000 bytes.
    package init(_ pattern: String) throws(ValueFault) {
        try PosixExpression.check(pattern)
        let compiled = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
        compiled.initialize(to: regex_t())
        let code = regcomp(compiled, pattern, REG_EXTENDED | REG_NOSUB)
        guard code == 0 else {
            var message = [CChar](repeating: 0, count: 200)
            regerror(code, compiled, &message, message.count)
            compiled.deallocate()
            let text = String(
                decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw ValueFault("\(ScalarText.shown(pattern)) is not a valid expression: \(text)")
        }
        // The properties are set last, because deinit only runs when all of them are set.
        self.pattern = pattern
        self.compiled = compiled
    }

    deinit {
        regfree(compiled)
        compiled.deallocate()
    }

    /// Whether some part of the text matches.
    package func matches(_ text: String) -> Bool { regexec(compiled, text, 0, nil, 0) == 0 }

    /// Whether some part of a line matches; a NUL byte ends the line.
    package func matches(_ line: some Sequence<UInt8>) -> Bool {
        var bytes = line.map(CChar.init(bitPattern:))
        bytes.append(0)
        return regexec(compiled, bytes, 0, nil, 0) == 0
    }

    /// Refuses syntax of other dialects, which POSIX would read with another meaning.
    private static func check(_ pattern: String) throws(ValueFault) {
        if pattern.isEmpty { throw ValueFault("an empty expression matches every line") }
        if pattern.utf8.count > 1000 { throw ValueFault("an expression has at most 1,000 bytes") }
        if pattern.contains(where: \.isNewline) {
            throw ValueFault("an expression matches within one line and cannot contain a newline")
        }
        let hint = "the syntax is that of grep -E"
        let bytes = Array(pattern.utf8)
        for (index, byte) in bytes.enumerated() where index + 1 < bytes.count {
            let next = bytes[index + 1]
            if byte == UInt8(ascii: "\\") && !isEscaped(index, in: bytes) {
                if (49...57).contains(next) {
                    throw ValueFault(
                        "\(ScalarText.shown(pattern)) has a back-reference", hint: hint)
                }
                if [UInt8(ascii: "d"), UInt8(ascii: "D")].contains(next) {
                    throw ValueFault(
                        "\(ScalarText.shown(pattern)) has \\d", hint: "\(hint): write [0-9]")
                }
                if [UInt8(ascii: "t"), UInt8(ascii: "n"), UInt8(ascii: "r")].contains(next) {
                    throw ValueFault(
                        "\(ScalarText.shown(pattern)) has a backslash escape that is not POSIX",
                        hint: "\(hint): write [[:space:]]")
                }
            }
            if byte == UInt8(ascii: "(") && next == UInt8(ascii: "?")
                && !isEscaped(index, in: bytes)
            {
                throw ValueFault(
                    "\(ScalarText.shown(pattern)) has a (?…) group, which is not POSIX",
                    hint: hint)
            }
        }
        // The C library unrolls nested counted repetitions, which can exhaust memory.
        if bytes.filter({ $0 == UInt8(ascii: "{") }).count > 4 {
            throw ValueFault("an expression has at most four counted repetitions {…}", hint: hint)
        }
    }

    private static func isEscaped(_ index: Int, in bytes: [UInt8]) -> Bool {
        var backslashes = 0
        while index - backslashes > 0, bytes[index - backslashes - 1] == UInt8(ascii: "\\") {
            backslashes += 1
        }
        return backslashes % 2 == 1
    }
}
