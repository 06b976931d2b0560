import FleetModel
import Kinds
import Linux
import SystemFaults

/// One TCP connection through which muster reaches the host.
struct OwnEnd: Sendable, Equatable {
    /// The link that its packets leave by.
    var link: String
    var local: IPPrefix
    var peer: IPPrefix
}

/// Finds the SSH connection through which muster reaches the agent, and the links it uses.
struct OwnConnection {
    let machine: any Machine

    /// The links that must stay up for the connection, including those below a bond or VLAN.
    ///
    /// Empty where there is no connection, as at boot.
    func links() throws(AgentFault) -> Set<String> {
        var links: Set<String> = []
        for peer in try peers() {
            guard let link = try route(to: peer) else { continue }
            links.insert(link)
            links.formUnion(try NICFinder(machine: machine).cards(below: link))
        }
        return links
    }

    /// The connections: the local address, the peer's address and the link of each.
    func ends() throws(AgentFault) -> [OwnEnd] {
        var ends: [OwnEnd] = []
        for pair in try pairs() {
            guard let link = try route(to: pair.peer), let local = Self.address(pair.local),
                let peer = Self.address(pair.peer)
            else { continue }
            ends.append(OwnEnd(link: link, local: local, peer: peer))
        }
        return ends
    }

    /// Parses an address of /proc/net/tcp: hexadecimal words of four bytes, each byte-swapped.
    private static func address(_ hex: String) -> IPPrefix? {
        let digits = Array(hex.utf8)
        guard digits.count == 8 || digits.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for word in stride(from: 0, to: digits.count, by: 8) {
            guard
                let value = UInt32(
                    String(decoding: digits[word..<word + 8], as: UTF8.self), radix: 16)
            else { return nil }
            bytes += [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
        }
        if bytes.count == 16, bytes.starts(with: [UInt8](repeating: 0, count: 10) + [255, 255]) {
            bytes = Array(bytes.suffix(4))
        }
        return IPPrefix(bytes: bytes, length: bytes.count * 8)
    }

    private func peers() throws(AgentFault) -> [String] { try pairs().map(\.peer) }

    /// The address pairs of established TCP connections of this process and its ancestors.
    private func pairs() throws(AgentFault) -> [(local: String, peer: String)] {
        var sockets: Set<String> = []
        var pid = "self"
        for _ in 0..<16 {
            let folder = "/proc/\(pid)"
            sockets.formUnion(try openSockets(folder))
            guard let parent = try parent(of: folder), parent != "0", parent != "1" else { break }
            pid = parent
        }
        if sockets.isEmpty { return [] }
        var pairs: [(local: String, peer: String)] = []
        for file in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
            for line in (try machine.readText(file) ?? "").filledLines.dropFirst() {
                let fields = line.split(separator: " ")
                // 01 is ESTABLISHED.
                guard fields.count > 9, fields[3] == "01", sockets.contains(String(fields[9])),
                    let local = fields[1].split(separator: ":").first,
                    let peer = fields[2].split(separator: ":").first
                else { continue }
                pairs.append((String(local), String(peer)))
            }
        }
        return pairs
    }

    /// The inodes of a process's sockets; empty if the process has ended meanwhile.
    private func openSockets(_ folder: String) throws(AgentFault) -> [String] {
        try attempt("look for muster's own connection in \(folder)") { () throws(SystemError) in
            var sockets: [String] = []
            for descriptor in try machine.listIfPresent("\(folder)/fd") {
                let target = try machine.linkTargetIfPresent("\(folder)/fd/\(descriptor)")
                if let target, target.hasPrefix("socket:[") {
                    sockets.append(String(target.dropFirst(8).dropLast()))
                }
            }
            return sockets
        }
    }

    private func parent(of folder: String) throws(AgentFault) -> String? {
        (try machine.readText("\(folder)/status") ?? "").filledLines.first { $0.hasPrefix("PPid:") }
            .map {
                String($0.dropFirst(5)).trimmingSpaces()
            }
    }

    /// The link of the most specific route to an address, which is in the form of /proc/net/tcp.
    private func route(to peer: String) throws(AgentFault) -> String? {
        var address = peer
        // An IPv4-mapped IPv6 address (::ffff:192.0.2.1).
        if peer.utf8.count == 32, peer.hasPrefix("0000000000000000FFFF0000") {
            address = String(peer.suffix(8))
        }
        return try address.utf8.count == 8 ? route4(address) : route6(address)
    }

    private func route4(_ address: String) throws(AgentFault) -> String? {
        guard let wanted = UInt32(address, radix: 16) else { return nil }
        let text = try machine.readText("/proc/self/net/route") ?? ""
        var best: (link: String, bits: Int)?
        for line in text.filledLines.dropFirst() {
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count > 7, let destination = UInt32(fields[1], radix: 16),
                let mask = UInt32(fields[7], radix: 16), wanted & mask == destination
            else { continue }
            if mask.nonzeroBitCount > best?.bits ?? -1 {
                best = (String(fields[0]), mask.nonzeroBitCount)
            }
        }
        return best?.link
    }

    private func route6(_ address: String) throws(AgentFault) -> String? {
        let text = try machine.readText("/proc/self/net/ipv6_route") ?? ""
        let wanted = words(address).map { $0.byteSwapped }
        var best: (link: String, bits: Int)?
        for line in text.filledLines {
            let fields = line.split(separator: " ")
            guard fields.count > 9, let bits = Int(fields[1], radix: 16),
                matches(wanted, words(String(fields[0])), bits), fields[9] != "lo"
            else { continue }
            if bits > best?.bits ?? -1 { best = (String(fields[9]), bits) }
        }
        return best?.link
    }

    private func words(_ hex: String) -> [UInt32] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count - 7, by: 8).map {
            UInt32(String(digits[$0..<($0 + 8)]), radix: 16) ?? 0
        }
    }

    private func matches(_ left: [UInt32], _ right: [UInt32], _ bits: Int) -> Bool {
        guard left.count == 4, right.count == 4 else { return false }
        for index in 0..<4 {
            let count = min(32, max(0, bits - 32 * index))
            if count == 0 { return true }
            let mask = count == 32 ? UInt32.max : ~(UInt32.max >> UInt32(count))
            if (left[index] ^ right[index]) & mask != 0 { return false }
        }
        return true
    }
}
