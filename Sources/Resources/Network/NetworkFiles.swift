import FleetModel
import Kinds
import Linux

/// A file that configures an interface at the next boot: its current and its wanted text.
struct NetworkFile: Sendable, Equatable {
    var path: String
    var now: String?
    /// nil where the file is not to exist.
    var wanted: String?

    static let head = "# Declared to muster, which puts it back.\n"
}

/// The files of systemd-networkd (systemd.network(5), systemd.netdev(5)).
enum NetworkdFiles {
    static let folder = "/etc/systemd/network"
    /// Where systemd-networkd records which file an interface uses.
    static let runtime = "/run/systemd/netif"
    /// Exists while the unit of systemd-networkd is active; `runtime` always exists.
    static let unit = "/run/systemd/units/invocation:systemd-networkd.service"

    static func base(_ name: String) -> String { "05-muster-\(name)" }

    /// The wanted text of each file, by path.
    ///
    /// `parentFile` is the name of the .network file of a VLAN's parent.
    static func wanted(
        _ declaration: NetworkDeclaration, parentFile: String?
    ) -> [String: String] {
        guard declaration.isPresent else { return [:] }
        let name = declaration.name
        var files = ["\(folder)/\(base(name)).network": network(declaration)]
        if let vlan = declaration.vlan {
            files["\(folder)/\(base(name)).netdev"] =
                NetworkFile.head + "[NetDev]\nName=\(name)\nKind=vlan\n\n[VLAN]\nId=\(vlan.id)\n"
            if let parentFile {
                files[dropIn(parentFile, name)] = NetworkFile.head + "[Network]\nVLAN=\(name)\n"
            }
        }
        if let bond = declaration.bond {
            var lines = ["Mode=\(bond.mode)", "MIIMonitorSec=\(bond.miimon)ms"]
            if let rate = bond.lacpRate { lines.append("LACPTransmitRate=\(rate)") }
            if let policy = bond.hashPolicy { lines.append("TransmitHashPolicy=\(policy)") }
            files["\(folder)/\(base(name)).netdev"] =
                NetworkFile.head + "[NetDev]\nName=\(name)\nKind=bond\n\n[Bond]\n"
                + lines.map { $0 + "\n" }.joined()
            for member in bond.members {
                files["\(folder)/\(base(member)).network"] =
                    NetworkFile.head + "[Match]\nName=\(member)\n\n[Network]\nBond=\(name)\n"
                    + (bond.primary == member ? "PrimarySlave=yes\n" : "")
            }
        }
        return files
    }

    static func dropIn(_ parentFile: String, _ name: String) -> String {
        "\(folder)/\(parentFile).d/muster-\(name).conf"
    }

    private static func network(_ declaration: NetworkDeclaration) -> String {
        var text = NetworkFile.head + "[Match]\nName=\(declaration.name)\n"
        if let mtu = declaration.mtu { text += "\n[Link]\nMTUBytes=\(mtu)\n" }
        text += "\n[Network]\n"
        if declaration.dhcp != "no" { text += "DHCP=\(declaration.dhcp)\n" }
        for address in declaration.addresses { text += "Address=\(address.text)\n" }
        for route in declaration.routes {
            let everywhere = route.isIPv4 ? "0.0.0.0/0" : "::/0"
            text += "\n[Route]\nDestination=\(route.destination?.text ?? everywhere)\n"
            if let via = route.via { text += "Gateway=\(via.address)\n" }
            if let metric = route.metric { text += "Metric=\(metric)\n" }
            if let source = route.source { text += "PreferredSource=\(source.address)\n" }
        }
        return text
    }
}

/// The stanzas of ifupdown (interfaces(5)).
enum IfupdownFile {
    static let main = "/etc/network/interfaces"
    static let folder = "/etc/network/interfaces.d"
    /// Which interfaces ifup has brought up.
    static let state = "/run/network/ifstate"

    /// The file of an interface, without dots: `source-directory` ignores file names with a dot.
    static func path(_ name: String) -> String {
        "\(folder)/muster-\(String(name.map { $0 == "." ? "_" : $0 }))"
    }

    static func wanted(_ declaration: NetworkDeclaration) -> [String: String] {
        declaration.isPresent ? [path(declaration.name): text(declaration)] : [:]
    }

    private static func text(_ declaration: NetworkDeclaration) -> String {
        let name = declaration.name
        var stanzas = declaration.addresses.map { address in
            [
                "iface \(name) \(address.isIPv4 ? "inet" : "inet6") static",
                "address \(address.text)",
            ]
        }
        if ["yes", "ipv4"].contains(declaration.dhcp) {
            stanzas.append(["iface \(name) inet dhcp"])
        }
        if ["yes", "ipv6"].contains(declaration.dhcp) {
            stanzas.append(["iface \(name) inet6 dhcp"])
        }
        if stanzas.isEmpty { stanzas = [["iface \(name) inet manual"]] }
        stanzas[0] += before(declaration)
        stanzas[stanzas.count - 1] += declaration.routes.map { route in
            "up " + (["ip"] + IfupdownChange.words(route, "replace", name)).joined(separator: " ")
        }
        if declaration.vlan != nil || declaration.bond != nil {
            stanzas[0].append("post-down ip link del dev \(name) 2>/dev/null || true")
        }
        return NetworkFile.head + "auto \(name)\n"
            + stanzas.map { lines in
                lines[0] + "\n" + lines.dropFirst().map { "    \($0)\n" }.joined()
            }.joined()
    }

    /// The lines that create the interface and set it before it is up.
    ///
    /// They need only ip(8), not the packages vlan or ifenslave.
    private static func before(_ declaration: NetworkDeclaration) -> [String] {
        let name = declaration.name
        var lines: [String] = []
        let isThere = "[ -e /sys/class/net/\(name) ]"
        if let vlan = declaration.vlan {
            lines.append(
                "pre-up \(isThere) || ip link add link \(vlan.parent) name \(name) type vlan id \(vlan.id)"
            )
        }
        if let bond = declaration.bond {
            lines.append(
                "pre-up \(isThere) || ip link add name \(name) type bond "
                    + IfupdownChange.options(bond).joined(separator: " "))
            for member in bond.members {
                lines.append("pre-up ip link set dev \(member) down")
                lines.append("pre-up ip link set dev \(member) master \(name)")
                lines.append("pre-up ip link set dev \(member) up")
            }
            if let primary = bond.primary {
                lines.append("pre-up ip link set dev \(name) type bond primary \(primary)")
            }
        }
        if declaration.dhcp == "no", declaration.addresses.isEmpty {
            lines.append("up ip link set dev \(name) up")
        }
        if let mtu = declaration.mtu { lines.append("pre-up ip link set dev \(name) mtu \(mtu)") }
        return lines
    }
}
