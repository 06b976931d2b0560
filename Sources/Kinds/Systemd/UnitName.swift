/// The names of systemd units (systemd.unit(5)).
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

    /// The template of an instance: `getty@.service` of `getty@tty1.service`; nil for other units.
    package static func template(of name: String) -> String? {
        let full = full(name)
        guard !isTemplate(full), let at = full.firstIndex(of: "@"),
            let dot = full.lastIndex(of: "."), at < dot
        else { return nil }
        return String(full[...at]) + String(full[dot...])
    }

    /// Throws if systemd would not accept the name.
    package static func check(_ name: String) throws(AttributeFault) {
        guard !name.isEmpty, name.utf8.count <= 250, name.utf8.allSatisfy(isAllowed) else {
            throw AttributeFault(
                nil, "\"\(name)\" is not a unit name",
                hint: "use letters, digits and : - _ . \\ @, such as feed-handler.service")
        }
        guard !name.hasPrefix("@"), !name.hasPrefix("."), !name.hasPrefix("-") else {
            throw AttributeFault(
                nil, "a unit name cannot begin with \"\(name.prefix(1))\"")
        }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: Array(":-_.\\@".utf8).contains(byte)
        }
    }
}
