import FleetModel
import Kinds
import Linux
import SystemFaults

/// Finds links by what a declaration calls them.
struct NICFinder {
    let machine: any Machine
    private static let root = "/sys/class/net"

    /// The links that a name stands for; for a bond or VLAN, the cards below it.
    ///
    /// Throws if no link fits the name, or if several do.
    func links(_ name: String) throws(AgentFault) -> [String] {
        let attempted = "find the network card \(name)"
        let names = try attempt("list \(Self.root)") { () throws(SystemError) in
            try machine.list(Self.root)
        }
        if names.contains(name) { return try cards(below: name) }
        let found: [String]
        if NICFinder.isMAC(name) {
            var cards: [String] = []
            for card in try hardware(among: names) where try address(of: card) == name.lowercased()
            {
                cards.append(card)
            }
            found = cards
        } else if name.contains(":") {
            found = try attempt(attempted) { () throws(SystemError) in
                try machine.listIfPresent("/sys/bus/pci/devices/\(name)/net")
                    + virtioLinks(name)
            }
        } else {
            found = []
        }
        if found.isEmpty {
            throw AgentFault(
                "no-device", attempted,
                cause: "no card has this name; the host has \(try described(names))",
                hint: "correct the name, or see whether the driver is loaded and the card seated")
        }
        if found.count > 1 {
            throw AgentFault(
                "ambiguous", attempted,
                cause: "the name fits \(found.joined(separator: " and "))",
                hint: "name one by its PCI address or interface")
        }
        return found
    }

    /// The links of a virtio card: there, a virtio device is between the PCI function and the link.
    private func virtioLinks(_ address: String) throws(SystemError) -> [String] {
        let folder = "/sys/bus/pci/devices/\(address)"
        var found: [String] = []
        for name in try machine.listIfPresent(folder) where name.hasPrefix("virtio") {
            found += try machine.listIfPresent("\(folder)/\(name)/net")
        }
        return found
    }

    private func isCard(_ name: String) throws(AgentFault) -> Bool {
        let path = "\(Self.root)/\(name)/device"
        return try attempt("look at \(path)") { () throws(SystemError) in
            try machine.linkTargetIfPresent(path) != nil
        }
    }

    /// The permanent address; the current one if the driver does not report it.
    private func address(of name: String) throws(AgentFault) -> String? {
        if let permanent = try Self.permanentAddress(of: name, on: machine) { return permanent }
        let path = "\(Self.root)/\(name)/address"
        return try attempt("read \(path)") { () throws(SystemError) in
            try machine.textIfPresent(path).map { $0.trimmingSpaces() }
        }
    }

    /// The permanent MAC address; nil if the driver does not report it.
    static func permanentAddress(
        of name: String, on machine: any Machine
    ) throws(AgentFault) -> String? {
        try attempt("ask the driver of \(name)") { () throws(SystemError) in
            do throws(SystemError) {
                return try machine.linkInfo(name).permanentAddress
            } catch {
                if error.isUnsupported { return nil }
                throw error
            }
        }
    }

    /// The cards below a link, through bonds, bridges and VLANs.
    func cards(below name: String, depth: Int = 0) throws(AgentFault) -> [String] {
        if try isCard(name) || depth > 8 { return [name] }
        let entries = try attempt("list \(Self.root)/\(name)") { () throws(SystemError) in
            try machine.list("\(Self.root)/\(name)")
        }
        var cards: [String] = []
        for entry in entries where entry.hasPrefix("lower_") {
            for card in try self.cards(below: String(entry.dropFirst(6)), depth: depth + 1)
            where !cards.contains(card) {
                cards.append(card)
            }
        }
        // A link with nothing below it has its own driver: veth, dummy.
        return cards.isEmpty ? [name] : cards
    }

    private func hardware(among names: [String]) throws(AgentFault) -> [String] {
        var cards: [String] = []
        for name in names where try isCard(name) { cards.append(name) }
        return cards
    }

    private func described(_ names: [String]) throws(AgentFault) -> String {
        let cards = try hardware(among: names)
        return cards.isEmpty ? "no cards at all" : cards.joined(separator: ", ")
    }

    static func isMAC(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 6
            && parts.allSatisfy { $0.utf8.count == 2 && UInt8($0, radix: 16) != nil }
    }
}
