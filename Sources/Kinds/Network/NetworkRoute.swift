import FleetModel
import Wire

/// A route of an interface: its destination and gateway.
package struct NetworkRoute: Sendable, Hashable {
    /// Nil for the default route.
    package let destination: IPPrefix?
    /// The gateway; nil if the network is directly on the link.
    package let via: IPPrefix?
    package let metric: Int?
    package let source: IPPrefix?

    package init(
        destination: IPPrefix?, via: IPPrefix?, metric: Int? = nil, source: IPPrefix? = nil
    ) {
        self.destination = destination
        self.via = via
        self.metric = metric
        self.source = source
    }

    /// Reads `{to: 10.9.0.0/16, via: 10.1.2.254, metric: 100, source: 10.1.2.3}`.
    init(_ json: JSON) throws(AttributeFault) {
        guard let members = json.object else {
            throw AttributeFault("routes", "a route is a map: {to: 10.9.0.0/16, via: 10.1.2.254}")
        }
        for key in members.keys.sorted() where !["to", "via", "metric", "source"].contains(key) {
            throw AttributeFault(
                "routes", "\"\(key)\" is not a route setting",
                hint: "the settings are to, via, metric and source")
        }
        let to = members["to"]?.string ?? ""
        destination = to == "default" ? nil : try Self.prefix(to, "to")
        if let destination, !destination.isNetwork {
            throw AttributeFault(
                "routes", "\(to) has bits set after its prefix",
                hint: "write \(destination.network.text)")
        }
        via = try members["via"].flatMap(Self.given).map { (text) throws(AttributeFault) in
            try Self.address(text, "via")
        }
        source = try members["source"].flatMap(Self.given).map { (text) throws(AttributeFault) in
            try Self.address(text, "source")
        }
        metric = members["metric"]?.integer
        if let value = members["metric"], value != .null, metric ?? -1 < 0 {
            throw AttributeFault("routes", "the metric of the route to \(to) is not a number")
        }
        if destination == nil, via == nil {
            throw AttributeFault("routes", "the route to default needs via")
        }
        let families = [destination, via, source].compactMap { $0?.isIPv4 }
        if Set(families).count > 1 {
            throw AttributeFault("routes", "the route to \(to) mixes IPv4 and IPv6")
        }
    }

    private static func given(_ json: JSON) -> String? { json == .null ? nil : json.string ?? "" }

    private static func prefix(_ text: String, _ what: String) throws(AttributeFault) -> IPPrefix {
        do throws(ValueFault) {
            return try IPPrefix(text)
        } catch {
            throw AttributeFault("routes", "\(what): \(error.message)", hint: error.hint)
        }
    }

    private static func address(_ text: String, _ what: String) throws(AttributeFault) -> IPPrefix {
        let found = try prefix(text, what)
        guard !text.utf8.contains(47) else {
            throw AttributeFault("routes", "\(what): \(text) is a network, not an address")
        }
        return found
    }

    package var isIPv4: Bool { (destination ?? via)?.isIPv4 ?? true }

    /// The metric, or the kernel's default: 0 for IPv4 and 1024 for IPv6.
    package var effectiveMetric: Int { metric ?? (isIPv4 ? 0 : 1024) }

    /// For messages: `10.9.0.0/16 via 10.1.2.254 metric 100`.
    package var text: String {
        (destination?.text ?? "default") + (via.map { " via \($0.address)" } ?? "")
            + (effectiveMetric == (isIPv4 ? 0 : 1024) ? "" : " metric \(effectiveMetric)")
            + (source.map { " source \($0.address)" } ?? "")
    }
}
