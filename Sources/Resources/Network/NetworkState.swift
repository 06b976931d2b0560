import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// The running state of an interface.
struct NetworkLink: Sendable, Equatable {
    var name: String
    var isUp = false
    var hasCarrier = false
    var mtu = 0
    /// Addresses of global scope that were not assigned by a server, a router or the kernel.
    var addresses: [IPPrefix] = []
    /// All addresses of global scope, however they were assigned.
    var allAddresses: [IPPrefix] = []
    /// `vlan`, `bond`; empty for a card.
    var kind = ""
    var vlanID: Int?
    /// The interface below a VLAN.
    var parent: String?
    /// The bond or bridge it belongs to.
    var master: String?
    var bondMode: String?
    var miimon: Int?
    var primary: String?
    var lacpRate: String?
    var hashPolicy: String?
}

/// Running interfaces and routes, as ip(8) reports them in JSON.
struct NetworkState: Sendable {
    static let program = "/sbin/ip"

    private(set) var links: [String: NetworkLink] = [:]
    /// Routes by interface: those set by hand or by a file, not by kernel, server or daemon.
    private(set) var routes: [String: [NetworkRoute]] = [:]

    init(on machine: any Machine) throws(AgentFault) {
        for json in try Self.ask(["-j", "-d", "addr", "show"], on: machine) {
            if let link = Self.link(json) { links[link.name] = link }
        }
        for family in ["-4", "-6"] {
            let arguments = ["-j", family, "route", "show", "table", "main"]
            for json in try Self.ask(arguments, on: machine) {
                guard let device = json["dev"]?.string, let route = Self.route(json, family) else {
                    continue
                }
                routes[device, default: []].append(route)
            }
        }
    }

    func members(of bond: String) -> [String] {
        links.values.filter { $0.master == bond }.map(\.name).sorted()
    }

    private static func ask(
        _ arguments: [String], on machine: any Machine
    ) throws(AgentFault) -> [JSON] {
        let attempted = "ip \(arguments.joined(separator: " "))"
        let result = try attempt(attempted) { () throws(SystemError) in
            try machine.run(ProgramCall(program, arguments, outputLimit: 64 << 20))
        }
        guard result.succeeded else {
            throw AgentFault(
                "ip-failed", attempted,
                cause: "ip \(result.endText): \(ProgramText.excerpt(of: result))")
        }
        // With nothing to report, older versions of ip print nothing at all.
        if result.output.allSatisfy({ $0 <= 32 }) { return [] }
        do {
            return try JSON(parsing: result.output).array ?? []
        } catch {
            throw AgentFault(
                "ip-failed", attempted, cause: "its output is not JSON: \(error)",
                hint: "iproute2 5.0 or later is needed")
        }
    }

    private static func link(_ json: JSON) -> NetworkLink? {
        guard let name = json["ifname"]?.string else { return nil }
        var link = NetworkLink(name: name)
        let flags = (json["flags"]?.array ?? []).compactMap(\.string)
        link.isUp = flags.contains("UP")
        link.hasCarrier = flags.contains("LOWER_UP")
        link.mtu = json["mtu"]?.integer ?? 0
        link.master = json["master"]?.string
        link.parent = json["link"]?.string
        for address in json["addr_info"]?.array ?? [] {
            guard address["scope"]?.string == "global", let local = address["local"]?.string,
                let length = address["prefixlen"]?.integer,
                let prefix = try? IPPrefix("\(local)/\(length)")
            else { continue }
            link.allAddresses.append(prefix)
            // A server or a router assigned a dynamic address, the kernel a temporary one.
            let isGiven =
                address["dynamic"]?.bool == true || address["temporary"]?.bool == true
            if !isGiven { link.addresses.append(prefix) }
        }
        let info = json["linkinfo"]
        link.kind = info?["info_kind"]?.string ?? ""
        let data = info?["info_data"]
        if link.kind == "vlan" { link.vlanID = data?["id"]?.integer }
        if link.kind == "bond" {
            link.bondMode = data?["mode"]?.string
            link.miimon = data?["miimon"]?.integer
            link.primary = data?["primary"]?.string
            link.lacpRate = data?["ad_lacp_rate"]?.string
            link.hashPolicy = data?["xmit_hash_policy"]?.string
        }
        return link
    }

    private static func route(_ json: JSON, _ family: String) -> NetworkRoute? {
        // ip omits the protocol where it is boot, the protocol of routes that ip itself adds.
        guard ["boot", "static"].contains(json["protocol"]?.string ?? "boot"),
            ["unicast", nil].contains(json["type"]?.string), let to = json["dst"]?.string
        else { return nil }
        let via = json["gateway"]?.string ?? json["via"]?["host"]?.string
        // Multipath routes cannot be declared.
        if json["nexthops"] != nil { return nil }
        let destination = to == "default" ? nil : try? IPPrefix(to)
        if to != "default", destination == nil { return nil }
        let isIPv4 = family == "-4"
        let metric = json["metric"]?.integer
        return NetworkRoute(
            destination: destination, via: via.flatMap { try? IPPrefix($0) },
            metric: metric ?? (isIPv4 ? 0 : 1024),
            source: json["prefsrc"]?.string.flatMap { try? IPPrefix($0) })
    }
}
