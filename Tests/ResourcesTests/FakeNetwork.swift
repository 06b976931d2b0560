import Linux
import TestSupport
import Wire

/// Interfaces and routes in memory, with the ip, networkctl, ifup and ifdown that change them.
///
///     {"links": {"ens1f0": {"up": true, "mtu": 1500, "addresses": ["10.1.2.3/24"], "dynamic": ["…"],
///                           "kind": "vlan", "id": 5, "parent": "…", "master": "…", "mode": "…", "file": "50-feed.network"}},
///      "routes": [{"dev": "ens1f0", "to": "default", "via": "10.1.2.1", "metric": 5, "proto": "static"}]}
/// `file` is what networkd has for it, where that is not ours. With `"stuck": true` networkd sets no IPv6 address
/// before it is restarted. The state is a file of the machine, so that what fails half way is seen.
final class FakeNetwork {
    private struct Link {
        var fields: [String: JSON]
        var addresses: [String] {
            get { (fields["addresses"]?.array ?? []).compactMap(\.string) }
            set { fields["addresses"] = .strings(newValue) }
        }
    }

    private static let path = "/fake/network"
    private var links: [String: Link] = [:]
    private var routes: [[String: JSON]] = []
    private let description: JSON

    init(_ description: JSON) {
        self.description = description
    }

    func install(on machine: FakeMachine) {
        machine.put(Self.path, text: description.canonicalText)
        for (name, link) in description["links"]?.object ?? [:] {
            machine.put("/sys/class/net/\(name)/ifindex", text: "\(link["index"]?.integer ?? 2)\n")
        }
        machine.programs["/sbin/ip"] = { [self] call, machine in
            with(machine) { ip(call.arguments) }
        }
        for program in ["/usr/bin/networkctl", "/bin/systemctl"] {
            machine.programs[program] = { [self] call, machine in
                with(machine) {
                    networkd(machine, isRestarted: call.arguments.contains("restart"))
                    return said(0)
                }
            }
        }
        machine.programs["/sbin/ifup"] = { [self] call, machine in
            with(machine) { up(call.arguments.last ?? "", machine) }
        }
        machine.programs["/sbin/ifdown"] = { [self] call, machine in
            with(machine) { down(call.arguments.last ?? "", machine) }
        }
    }

    private func with(_ machine: FakeMachine, _ body: () -> ProgramResult) -> ProgramResult {
        let text = machine.text(Self.path) ?? "{}"
        let state = (try? JSON(parsing: Array(text.utf8))) ?? [:]
        links = (state["links"]?.object ?? [:]).mapValues { Link(fields: $0.object ?? [:]) }
        routes = (state["routes"]?.array ?? []).compactMap(\.object)
        let result = body()
        let now: JSON = [
            "links": .object(links.mapValues { .object($0.fields) }),
            "routes": .array(routes.map { .object($0) }),
        ]
        machine.put(Self.path, text: now.canonicalText)
        return result
    }

    private func said(_ status: Int32, _ output: String = "", _ error: String = "") -> ProgramResult
    {
        ProgramResult(
            end: .exited(status), output: Array(output.utf8), errorOutput: Array(error.utf8))
    }

    // MARK: ip

    private func ip(_ arguments: [String]) -> ProgramResult {
        if arguments == ["-j", "-d", "addr", "show"] { return said(0, addressesJSON) }
        if arguments.first == "-j" { return said(0, routesJSON(isIPv4: arguments[1] == "-4")) }
        let words = arguments.first == "-6" ? Array(arguments.dropFirst()) : arguments
        func after(_ word: String) -> String? {
            words.firstIndex(of: word).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
        }
        let device = after("dev") ?? after("name") ?? ""
        switch words.prefix(2) {
        case ["addr", "add"]:
            if links[device]?.addresses.contains(words[2]) != false { return said(2, "", "exists") }
            links[device]?.addresses.append(words[2])
        case ["addr", "del"]: links[device]?.addresses.removeAll { $0 == words[2] }
        case ["route", "replace"], ["route", "del"]:
            let metric = after("metric").flatMap { Int($0) }
            routes.removeAll {
                $0["dev"]?.string == device && $0["to"]?.string == words[2]
                    && $0["metric"]?.integer ?? 0 == metric ?? 0
            }
            if words[1] == "replace" {
                var route: [String: JSON] = ["dev": .string(device), "to": .string(words[2])]
                route["via"] = after("via").map { .string($0) }
                route["metric"] = metric.map { .integer($0) }
                route["source"] = after("src").map { .string($0) }
                routes.append(route)
            }
        case ["link", "add"]:
            var fields: [String: JSON] = [
                "mtu": 1500, "up": false, "kind": .string(after("type") ?? ""),
            ]
            fields["id"] = after("id").flatMap { Int($0) }.map { .integer($0) }
            if words[2] == "link" { fields["parent"] = .string(words[3]) }
            fields["mode"] = after("mode").map { .string($0) }
            fields["miimon"] = after("miimon").flatMap { Int($0) }.map { .integer($0) }
            links[device] = Link(fields: fields)
        case ["link", "del"]: remove(device)
        case ["link", "set"]:
            guard links[device] != nil else { return said(1, "", "Cannot find device") }
            if let mtu = after("mtu").flatMap({ Int($0) }) {
                links[device]?.fields["mtu"] = .integer(mtu)
            }
            if words.contains("up") { links[device]?.fields["up"] = true }
            if words.contains("down") { links[device]?.fields["up"] = false }
            if words.contains("nomaster") { links[device]?.fields["master"] = nil }
            if let master = after("master") { links[device]?.fields["master"] = .string(master) }
            if let primary = after("primary") {
                links[device]?.fields["primary"] = .string(primary)
            }
        default: return said(255, "", "ip: what is \(words.joined(separator: " "))?")
        }
        return said(0)
    }

    private func remove(_ device: String) {
        links[device] = nil
        routes.removeAll { $0["dev"]?.string == device }
        for name in links.keys where links[name]?.fields["master"]?.string == device {
            links[name]?.fields["master"] = nil
        }
    }

    private var addressesJSON: String {
        let all: [JSON] = links.sorted { $0.key < $1.key }.map { name, link in
            var entry: [String: JSON] = [
                "ifname": .string(name), "mtu": link.fields["mtu"] ?? 1500,
                "flags": link.fields["up"]?.bool == true ? ["UP", "LOWER_UP"] : ["BROADCAST"],
            ]
            entry["master"] = link.fields["master"]
            entry["link"] = link.fields["parent"]
            let dynamic = (link.fields["dynamic"]?.array ?? []).compactMap(\.string)
            entry["addr_info"] = .array(
                (link.addresses + dynamic).map { text in
                    let parts = text.split(separator: "/")
                    var address: [String: JSON] = [
                        "local": .string(String(parts[0])), "scope": "global",
                        "prefixlen": .integer(Int(parts[1]) ?? 0),
                    ]
                    if dynamic.contains(text) { address["dynamic"] = true }
                    return .object(address)
                })
            if let kind = link.fields["kind"] {
                var data: [String: JSON] = [:]
                for key in ["id", "mode", "miimon", "primary"] { data[key] = link.fields[key] }
                entry["linkinfo"] = ["info_kind": kind, "info_data": .object(data)]
            }
            return .object(entry)
        }
        return JSON.array(all).canonicalText
    }

    private func routesJSON(isIPv4: Bool) -> String {
        let all: [JSON] = routes.compactMap { route in
            let text = (route["to"]?.string ?? "") + (route["via"]?.string ?? "")
            guard text.contains(":") != isIPv4 else { return nil }
            var entry: [String: JSON] = [:]
            entry["dst"] = route["to"]
            entry["gateway"] = route["via"]
            entry["dev"] = route["dev"]
            entry["metric"] = route["metric"] ?? (isIPv4 ? nil : 1024)
            entry["protocol"] = route["proto"]
            entry["prefsrc"] = route["source"]
            return .object(entry)
        }
        return JSON.array(all).canonicalText
    }

    // MARK: Those who read files

    /// Does what the files say, as far as ours go.
    private func networkd(_ machine: FakeMachine, isRestarted: Bool) {
        let folder = "/etc/systemd/network/"
        for (path, _) in machine.nodes where path.hasPrefix(folder) && path.hasSuffix(".netdev") {
            let file = values(machine.text(path) ?? "")
            guard let name = file["Name"]?.first, links[name] == nil else { continue }
            var fields: [String: JSON] = ["mtu": 1500, "kind": .string(file["Kind"]?.first ?? "")]
            fields["id"] = file["Id"]?.first.flatMap { Int($0) }.map { .integer($0) }
            fields["mode"] = file["Mode"]?.first.map { .string($0) }
            fields["miimon"] = file["MIIMonitorSec"]?.first.map {
                .integer(Int($0.dropLast(2)) ?? 0)
            }
            for (other, _) in machine.nodes where other.hasSuffix("/muster-\(name).conf") {
                let file = other.dropFirst(folder.count).prefix { $0 != "/" }.dropLast(2)
                let parent = links.keys.first {
                    file == links[$0]?.fields["file"]?.string ?? "05-muster-\($0).network"
                }
                fields["parent"] = parent.map { .string($0) }
            }
            links[name] = Link(fields: fields)
        }
        for (path, _) in machine.nodes.sorted(by: { $0.key < $1.key })
        where path.hasPrefix(folder) && path.hasSuffix(".network") {
            let file = values(machine.text(path) ?? "")
            guard let name = file["Name"]?.first, links[name] != nil else { continue }
            links[name]?.fields["up"] = true
            links[name]?.fields["master"] = file["Bond"]?.first.map { .string($0) }
            if let bond = file["Bond"]?.first, file["PrimarySlave"] != nil {
                links[bond]?.fields["primary"] = .string(name)
            }
            if let mtu = file["MTUBytes"]?.first {
                links[name]?.fields["mtu"] = .integer(Int(mtu) ?? 0)
            }
            let isStuck = links[name]?.fields["stuck"] != nil && !isRestarted
            links[name]?.addresses = (file["Address"] ?? []).filter {
                !isStuck || !$0.contains(":")
            }
            routes.removeAll { $0["dev"]?.string == name && $0["proto"]?.string != "kernel" }
            for section in (machine.text(path) ?? "").split(separator: "[").map(String.init)
            where section.hasPrefix("Route]") {
                let route = values(section)
                let to = route["Destination"]?.first ?? ""
                var entry: [String: JSON] = [
                    "dev": .string(name), "proto": "static",
                    "to": .string(["0.0.0.0/0", "::/0"].contains(to) ? "default" : to),
                ]
                entry["via"] = route["Gateway"]?.first.map { .string($0) }
                entry["metric"] = route["Metric"]?.first.flatMap { Int($0) }.map { .integer($0) }
                entry["source"] = route["PreferredSource"]?.first.map { .string($0) }
                routes.append(entry)
            }
        }
    }

    private func values(_ text: String) -> [String: [String]] {
        var values: [String: [String]] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { values[parts[0], default: []].append(parts[1]) }
        }
        return values
    }

    private func stanza(_ name: String, _ machine: FakeMachine) -> [[String]] {
        (machine.text("/etc/network/interfaces.d/muster-\(name.replacing(".", with: "_"))") ?? "")
            .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    private func up(_ name: String, _ machine: FakeMachine) -> ProgramResult {
        let stanza = stanza(name, machine)
        for words in ["pre-up", "address", "up"].flatMap({ what in stanza.filter { $0[0] == what } }
        ) {
            var command = Array(words.dropFirst())
            if words[0] == "address" {
                command = ["ip", "addr", "add", words[1], "dev", name]
            }
            // [ -e /sys/class/net/NAME ] || ip …
            if command.first == "[" {
                if links[name] != nil { continue }
                command = Array(command.drop { $0 != "||" }.dropFirst())
            }
            let result = ip(Array(command.dropFirst()))
            if !result.succeeded { return result }
            links[name]?.fields["up"] = true
        }
        let state = machine.text("/run/network/ifstate") ?? ""
        if !state.contains("\(name)=") {
            machine.put("/run/network/ifstate", text: state + "\(name)=\(name)\n")
        }
        return said(0)
    }

    private func down(_ name: String, _ machine: FakeMachine) -> ProgramResult {
        for words in stanza(name, machine) where words[0] == "post-down" { remove(name) }
        links[name]?.addresses = []
        links[name]?.fields["up"] = false
        routes.removeAll { $0["dev"]?.string == name }
        let state = machine.text("/run/network/ifstate") ?? ""
        let left = state.split(separator: "\n").filter { !$0.hasPrefix("\(name)=") }
        machine.put("/run/network/ifstate", text: left.map { $0 + "\n" }.joined())
        return said(0)
    }
}
