/// The names of systemd units, as systemd.unit(5) has them.
package enum UnitName {
    private static let types: Set<String> = [
        "service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer",
        "slice", "scope",
    ]

    /// Whether the name ends in a unit type: `ssh.socket`.
    package static func hasType(_ name: String) -> Bool {
        guard let dot = name.lastIndex(of: ".") else { return false }
        return dot != name.startIndex && types.contains(String(name[name.index(after: dot)...]))
    }

    /// The full name: `irqbalance` is `irqbalance.service`.
    package static func full(_ name: String) -> String {
        hasType(name) ? name : name + ".service"
    }

    /// The name without its type and instance: `getty` of `getty@tty1.service`.
    package static func stem(_ name: String) -> String {
        let full = full(name)
        let base = full[..<(full.lastIndex(of: ".") ?? full.endIndex)]
        return String(base[..<(base.firstIndex(of: "@") ?? base.endIndex)])
    }

    /// Whether it is a template, of which only instances can run: `getty@.service`.
    package static func isTemplate(_ name: String) -> Bool {
        let full = full(name)
        guard let dot = full.lastIndex(of: "."), let at = full.firstIndex(of: "@") else {
            return false
        }
        return full.index(after: at) == dot
    }

    /// The template of an instance: `getty@.service` of `getty@tty1.service`; nil of other units.
    package static func template(of name: String) -> String? {
        let full = full(name)
        guard !isTemplate(full), let at = full.firstIndex(of: "@"),
            let dot = full.lastIndex(of: "."), at < dot
        else { return nil }
        return String(full[...at]) + String(full[dot...])
    }

    /// Throws where systemd would not take the name.
    package static func check(_ name: String) throws(AttributeFault) {
        guard !name.isEmpty, name.utf8.count <= 250, name.utf8.allSatisfy(isAllowed) else {
            throw AttributeFault(
                nil, "\"\(name)\" is not the name of a unit",
                hint: "letters, digits and : - _ . \\ @, such as feed-handler.service")
        }
        guard !name.hasPrefix("@"), !name.hasPrefix("."), !name.hasPrefix("-") else {
            throw AttributeFault(
                nil, "the name of a unit does not begin with \"\(name.prefix(1))\"")
        }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: Array(":-_.\\@".utf8).contains(byte)
        }
    }
}
