import FleetModel
import Wire

/// A route of an interface: where to, by whom.
package struct NetworkRoute: Sendable, Hashable {
    /// nil for everywhere.
    package let destination: IPPrefix?
    /// The router; nil where the network is on the link.
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
                "routes", "\"\(key)\" says nothing of a route",
                hint: "to, via, metric and source do")
        }
        let to = members["to"]?.string ?? ""
        destination = to == "default" ? nil : try Self.prefix(to, "to")
        if let destination, !destination.isNetwork {
            throw AttributeFault(
                "routes", "\(to) is an address in a network, not a network",
                hint: "\(destination.network.text)")
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
            throw AttributeFault("routes", "the route to default has no via")
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

    /// What the kernel takes where none is given; IPv6 has a number of its own for it.
    package var effectiveMetric: Int { metric ?? (isIPv4 ? 0 : 1024) }

    /// For people: `10.9.0.0/16 via 10.1.2.254 metric 100`.
    package var text: String {
        (destination?.text ?? "default") + (via.map { " via \($0.address)" } ?? "")
            + (effectiveMetric == (isIPv4 ? 0 : 1024) ? "" : " metric \(effectiveMetric)")
            + (source.map { " source \($0.address)" } ?? "")
    }
}
