/// A host as written in an inventory: a name or address, possibly with ranges, and a port.
struct HostAddress: Equatable {
    let host: String
    let port: Int?

    /// Splits `name:22`, `[::1]:22`, `db[01:20]:22`; nil if it is not a valid name or address.
    ///
    /// Splits as Ansible does: a text that this refuses is taken as one name, including its colons.
    init?(_ text: String) {
        var address = text[...]
        var port: Int?
        if let split = Self.splitPort(address, bracketed: true) {
            (address, port) = split
        }
        if let split = Self.splitPort(address, bracketed: false) {
            (address, port) = split
        }
        guard Self.isHostName(address) || Self.isIPv6(address) else { return nil }
        host = String(address)
        self.port = port
    }

    /// `[…]:22`, or `name:22` where the name has no colon outside of brackets.
    private static func splitPort(_ text: Substring, bracketed: Bool) -> (Substring, Int)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy(isDigit), let port = Int(digits) else {
            return nil
        }
        let head = text[..<colon]
        if bracketed {
            guard head.count > 2, head.first == "[", head.last == "]" else { return nil }
            return (head.dropFirst().dropLast(), port)
        }
        var isInside = false
        for character in head {
            switch character {
            case "[" where !isInside: isInside = true
            case "]" where isInside: isInside = false
            case "]": return nil
            case ":" where !isInside: return nil
            default: break
            }
        }
        return isInside ? nil : (head, port)
    }

    /// Labels of letters, digits, `-` and `_`, not ending in `-` or `_`, joined by dots; any part
    /// may be a range.
    private static func isHostName(_ text: Substring) -> Bool {
        var labelStart = true
        var last: Character = "."
        var rest = text
        while let character = rest.first {
            rest = rest.dropFirst()
            switch character {
            case "[":
                guard let close = rest.firstIndex(of: "]"),
                    isRange(rest[..<close], hexadecimal: false)
                else { return false }
                rest = rest[rest.index(after: close)...]
                labelStart = false
            case ".":
                if labelStart || last == "-" || last == "_" { return false }
                labelStart = true
            case "-":
                if labelStart { return false }
            default:
                guard character.isLetter || character.isNumber || character == "_" else {
                    return false
                }
                labelStart = false
            }
            last = character == "[" ? "]" : character
        }
        return !labelStart && last != "-" && last != "_"
    }

    /// `a:f`, `01:20`, with an optional `:step`; hexadecimal numbers in IPv6 addresses.
    private static func isRange(_ text: Substring, hexadecimal: Bool) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return false }
        if parts.count == 3, !parts[2].utf8.allSatisfy(isDigit) { return false }
        let bounds = parts[0...1]
        if hexadecimal { return bounds.allSatisfy { $0.utf8.allSatisfy(isHexadecimal) } }
        return bounds.allSatisfy { $0.utf8.allSatisfy(isDigit) }
            || bounds.allSatisfy { $0.utf8.count == 1 && $0.utf8.allSatisfy(isASCIILetter) }
    }

    /// Groups of hexadecimal digits or ranges; at most one `::`; an IPv4 address may end it.
    private static func isIPv6(_ text: Substring) -> Bool {
        var groups = 0
        var compressed = false
        var rest = text
        guard text.contains(":") else { return false }
        if rest.hasPrefix("::") {
            compressed = true
            rest = rest.dropFirst(2)
            if rest.isEmpty { return true }
        }
        while !rest.isEmpty {
            if rest.first == "[" {
                guard let close = rest.firstIndex(of: "]"),
                    isRange(rest.dropFirst()[..<close], hexadecimal: true)
                else { return false }
                rest = rest[rest.index(after: close)...]
            } else {
                let group = rest.prefix { $0 != ":" && $0 != "[" }
                if group.contains("."), rest.endIndex == group.endIndex {
                    groups += 2
                    return isIPv4(group) && (compressed ? groups <= 8 : groups == 8)
                }
                guard (1...4).contains(group.utf8.count), group.utf8.allSatisfy(isHexadecimal)
                else {
                    return false
                }
                rest = rest[group.endIndex...]
            }
            groups += 1
            if rest.isEmpty { break }
            if rest.hasPrefix("::") {
                if compressed { return false }
                compressed = true
                rest = rest.dropFirst(2)
            } else if rest.first == ":", rest.count > 1 {
                rest = rest.dropFirst()
            } else {
                return false
            }
        }
        return compressed ? groups <= 7 : groups == 8
    }

    private static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.utf8.allSatisfy(isDigit) && (Int(part).map { $0 < 256 } ?? false)
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func isASCIILetter(_ byte: UInt8) -> Bool {
        byte | 32 >= UInt8(ascii: "a") && byte | 32 <= UInt8(ascii: "z")
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 32 >= UInt8(ascii: "a") && byte | 32 <= UInt8(ascii: "f"))
    }
}
