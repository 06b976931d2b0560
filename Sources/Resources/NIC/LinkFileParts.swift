import Kinds
import Linux
import Wire

/// The MTU of the link.
struct LinkMTUPart: LinkPart {
    var name: String { "mtu" }

    private func path(_ link: NICLink) -> String { "/sys/class/net/\(link.name)/mtu" }

    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON {
        .string(try link.text("mtu"))
    }

    func put(_ saved: JSON, on link: NICLink) throws(SystemError) {
        try link.machine.writeInPlace(path(link), Array("\(saved.string ?? "")\n".utf8))
    }
}

/// Whether the interface is up, by its flags in sysfs (IFF_UP, netdevice(7)).
struct LinkUpPart: LinkPart {
    var name: String { "link" }

    /// The current flags; 0 where the text cannot be parsed.
    static func flags(_ link: NICLink) throws(SystemError) -> UInt32 {
        UInt32(try link.text("flags").dropFirst(2), radix: 16) ?? 0
    }

    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON {
        .bool(try Self.flags(link) & 1 != 0)
    }

    func put(_ saved: JSON, on link: NICLink) throws(SystemError) {
        let flags = try Self.flags(link)
        let wanted = saved == true ? flags | 1 : flags & ~1
        if wanted == flags { return }
        try link.machine.writeInPlace(
            "/sys/class/net/\(link.name)/flags", Array("0x\(String(wanted, radix: 16))\n".utf8))
    }
}

/// CPUs of each transmit or receive queue (XPS, RPS; networking/scaling.rst): a mask for each.
struct LinkQueuesPart: LinkPart {
    static let xps = LinkQueuesPart(name: "xps_cpus", prefix: "tx-")
    static let rps = LinkQueuesPart(name: "rps_cpus", prefix: "rx-")

    /// Also the name of the file in each queue's directory.
    let name: String
    let prefix: String

    private func folder(_ link: NICLink) -> String { "/sys/class/net/\(link.name)/queues" }

    /// The mask of each queue, as the kernel prints it; queues without a mask are left out.
    func masks(of link: NICLink) throws(SystemError) -> [(queue: String, mask: String)] {
        var all: [(queue: String, mask: String)] = []
        for queue in try link.machine.listIfPresent(folder(link)) where queue.hasPrefix(prefix) {
            do throws(SystemError) {
                all.append((queue, try link.text("queues/\(queue)/\(name)")))
            } catch {
                // With a single transmit queue, the kernel answers ENOENT to a read of xps_cpus.
                if !error.isNotFound { throw error }
            }
        }
        return all
    }

    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON {
        let all = try masks(of: link).map { ($0.queue, JSON.string($0.mask)) }
        return .object(Dictionary(all, uniquingKeysWith: { $1 }))
    }

    func put(_ saved: JSON, on link: NICLink) throws(SystemError) {
        let there = try now(saved, of: link)
        for (queue, mask) in (saved.object ?? [:]).sorted(by: { $0.key < $1.key })
        where there[queue] != mask {
            try link.machine.writeInPlace(
                "\(folder(link))/\(queue)/\(name)", Array("\(mask.string ?? "0")\n".utf8))
        }
    }
}

extension NICLink {
    /// The text of one of the link's files in sysfs, without surrounding blanks.
    func text(_ file: String) throws(SystemError) -> String {
        let path = "/sys/class/net/\(name)/\(file)"
        return String(decoding: try machine.read(path, limit: 4_096), as: UTF8.self)
            .trimmingSpaces()
    }
}
