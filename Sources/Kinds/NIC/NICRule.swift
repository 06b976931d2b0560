import FleetModel
import Wire

/// A declared rule that makes a card steer the packets of a flow to a ring, or drop them.
package struct NICRule: Sendable, Hashable {
    package var isUDP: Bool
    package var source: [UInt8]?
    package var destination: [UInt8]?
    package var sourcePort: Int?
    package var destinationPort: Int?
    package var vlan: Int?
    /// The ring; nil drops the packets.
    package var ring: Int?

    package init(
        isUDP: Bool, source: [UInt8]?, destination: [UInt8]?, sourcePort: Int?,
        destinationPort: Int?, vlan: Int?, ring: Int?
    ) {
        self.isUDP = isUDP
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.vlan = vlan
        self.ring = ring
    }

    private static let keys = [
        "flow", "src_ip", "dst_ip", "src_port", "dst_port", "vlan", "queue", "drop",
    ]

    package init(_ json: JSON) throws(AttributeFault) {
        func fault(_ text: String, _ hint: String? = nil) -> AttributeFault {
            AttributeFault("ntuple", text, hint: hint)
        }
        guard let members = json.object else {
            throw fault(
                "a rule is not a map", "{flow: udp4, dst_ip: 239.1.1.1, dst_port: 30001, queue: 2}")
        }
        for key in members.keys.sorted() where !Self.keys.contains(key) {
            throw fault("a rule has no \(key)", "use \(Self.keys.joined(separator: ", "))")
        }
        switch members["flow"]?.string {
        case "udp4": isUDP = true
        case "tcp4": isUDP = false
        default: throw fault("the flow of a rule must be udp4 or tcp4")
        }
        func number(_ key: String, _ most: Int) throws(AttributeFault) -> Int? {
            guard let value = members[key], value != .null else { return nil }
            guard let number = value.integer, (0...most).contains(number) else {
                throw fault("\(key) of a rule is not a number from 0 to \(most)")
            }
            return number
        }
        func address(_ key: String) throws(AttributeFault) -> [UInt8]? {
            guard let value = members[key], value != .null else { return nil }
            let bytes = (value.string ?? "").split(
                separator: ".", omittingEmptySubsequences: false
            ).map { UInt8($0) }
            guard bytes.count == 4, !bytes.contains(nil) else {
                throw fault("\(key) of a rule is not an IPv4 address", "239.1.1.1")
            }
            return bytes.compactMap { $0 }
        }
        source = try address("src_ip")
        destination = try address("dst_ip")
        sourcePort = try number("src_port", 65_535)
        destinationPort = try number("dst_port", 65_535)
        vlan = try number("vlan", 4_094)
        ring = try number("queue", 4_095)
        let drops = members["drop"]?.bool ?? false
        if drops == (ring != nil) {
            throw fault("a rule needs either queue or drop: true")
        }
        if source == nil, destination == nil, sourcePort == nil, destinationPort == nil, vlan == nil
        {
            throw fault("a rule matches every packet", "add an address, a port or a VLAN")
        }
    }

    /// `udp4 dst-ip 239.1.1.1 dst-port 30001 → queue 2`.
    package var text: String {
        func dotted(_ bytes: [UInt8]) -> String { bytes.map(String.init).joined(separator: ".") }
        var words = [isUDP ? "udp4" : "tcp4"]
        if let source { words += ["src-ip", dotted(source)] }
        if let destination { words += ["dst-ip", dotted(destination)] }
        if let sourcePort { words += ["src-port", String(sourcePort)] }
        if let destinationPort { words += ["dst-port", String(destinationPort)] }
        if let vlan { words += ["vlan", String(vlan)] }
        return words.joined(separator: " ") + (ring.map { " to queue \($0)" } ?? " dropped")
    }
}
