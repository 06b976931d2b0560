import FleetModel
import Kinds
import Linux
import SystemFaults

/// A systemd .link file: udev applies its settings to a card before the card is up.
///
/// udev applies only the first file that matches a card. Muster's file therefore repeats what the
/// default file says, and is made only where the default file applied. (systemd.link(5), systemd
/// 247 and later)
struct NICLinkFile {
    static let folder = "/etc/systemd/network"

    /// The lines that express a declaration in a .link file; empty where nothing can be expressed.
    static func lines(_ declaration: NICDeclaration) -> [String] {
        var lines: [String] = []
        if let mtu = declaration.mtu { lines.append("MTUBytes=\(mtu)") }
        func add(_ values: [String: Int], _ names: [String: String], isFlag: Bool = false) {
            for (key, name) in names.sorted(by: { $0.value < $1.value }) {
                guard let value = values[key] else { continue }
                lines.append("\(name)=\(isFlag ? (value == 0 ? "no" : "yes") : String(value))")
            }
        }
        add(
            declaration.rings,
            [
                "rx": "RxBufferSize", "rx-mini": "RxMiniBufferSize",
                "rx-jumbo": "RxJumboBufferSize", "tx": "TxBufferSize",
            ])
        add(
            declaration.channels,
            [
                "rx": "RxChannels", "tx": "TxChannels", "other": "OtherChannels",
                "combined": "CombinedChannels",
            ])
        add(
            declaration.pause,
            [
                "autoneg": "AutoNegotiationFlowControl", "rx": "RxFlowControl",
                "tx": "TxFlowControl",
            ],
            isFlag: true)
        for (key, value) in declaration.coalescing.sorted(by: { $0.key < $1.key }) {
            if let line = coalescing(key, value) { lines.append(line) }
        }
        for (name, keys) in features {
            if let isOn = declaration.features[name] {
                lines += keys.map { "\($0)=\(isOn ? "yes" : "no")" }
            }
        }
        return lines
    }

    /// The line of a coalescing setting; nil where systemd cannot express it.
    ///
    /// It needs systemd 250 or later; earlier versions warn about the unknown key and go on.
    private static func coalescing(_ key: String, _ value: Int) -> String? {
        switch key {
        case "adaptive-rx", "adaptive-tx":
            let name = "UseAdaptive\(key.hasSuffix("rx") ? "Rx" : "Tx")Coalesce"
            return "\(name)=\(value == 0 ? "no" : "yes")"
        case "pkt-rate-low": return "CoalescePacketRateLow=\(value)"
        case "pkt-rate-high": return "CoalescePacketRateHigh=\(value)"
        // systemd accepts no 0 for these two keys.
        case "sample-interval":
            return value == 0 ? nil : "CoalescePacketRateSampleIntervalSec=\(value)s"
        case "stats-block-usecs":
            return value == 0 ? nil : "StatisticsBlockCoalesceSec=\(value)us"
        default:
            // rx-usecs-low, tx-frames-irq: the direction, what is counted, and when it applies.
            let parts = key.split(separator: "-")
            let direction = parts[0] == "rx" ? "Rx" : "Tx"
            let when = parts.count > 2 ? parts[2].prefix(1).uppercased() + parts[2].dropFirst() : ""
            return parts[1] == "usecs"
                ? "\(direction)Coalesce\(when)Sec=\(value)us"
                : "\(direction)MaxCoalesced\(when)Frames=\(value)"
        }
    }

    private static let features: [(name: String, keys: [String])] = [
        ("gro", ["GenericReceiveOffload"]), ("lro", ["LargeReceiveOffload"]),
        ("gso", ["GenericSegmentationOffload"]),
        ("tso", ["TCPSegmentationOffload", "TCP6SegmentationOffload"]),
        ("rx", ["ReceiveChecksumOffload"]), ("tx", ["TransmitChecksumOffload"]),
        ("ntuple", ["NTupleFilter"]),
    ]

    /// The file of a card, by its address.
    static func path(_ address: String) -> String {
        "\(folder)/90-muster-\(address.filter { $0 != ":" }).link"
    }

    /// The wanted text of the file; nil where there is nothing to set.
    static func text(_ address: String, _ lines: [String]) -> String? {
        guard !lines.isEmpty else { return nil }
        return """
            # Declared to muster, which puts it back.
            [Match]
            PermanentMACAddress=\(address)

            [Link]
            NamePolicy=keep kernel database onboard slot path
            AlternativeNamesPolicy=database onboard slot path
            MACAddressPolicy=persistent
            \(lines.joined(separator: "\n"))

            """
    }

    /// The .link file that udev applied to the card when it appeared; nil where udev recorded none.
    static func used(_ link: String, on machine: any Machine) throws(AgentFault) -> String? {
        try attempt("see which .link file is for \(link)") { () throws(SystemError) in
            guard let text = try machine.textIfPresent("/sys/class/net/\(link)/ifindex"),
                let data = try machine.textIfPresent("/run/udev/data/n\(text.trimmingSpaces())")
            else { return nil }
            let key = "E:ID_NET_LINK_FILE="
            return data.filledLines.first { $0.hasPrefix(key) }.map {
                String($0.dropFirst(key.utf8.count))
            }
        }
    }

    /// Whether muster's file would displace only the default file, or muster's own.
    static func isFree(_ used: String?, _ address: String) -> Bool {
        guard let used else { return false }
        return PathName.last(of: used) == "99-default.link" || used == path(address)
    }
}
