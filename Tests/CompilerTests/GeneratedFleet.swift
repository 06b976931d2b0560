import Compiler
import Diagnostics
import Inventory
import TestSupport
import Wire

/// A fleet made from a seed: groups, hosts with variables and facts of their own, and roles whose
/// parameters and resources read all of them in every way there is.
struct GeneratedFleet {
    var fixture = FleetFixture()
    private var random: SeededGenerator
    private let roleCount: Int
    private let hosts: [String]

    /// Stands in every secret, and must stand nowhere else.
    static let poison = "p0isonous"

    init(seed: UInt64, hosts count: Int = 12, roles: Int = 4) {
        random = SeededGenerator(seed: seed)
        roleCount = roles
        hosts = (1...count).map { "h\($0)" }
        addInventory()
        for role in 0..<roles { addRole(role) }
        addSite()
        addFacts()
    }

    private mutating func pick<T>(_ elements: [T]) -> T {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }

    private mutating func number() -> Int { Int.random(in: 1...9, using: &random) }

    // MARK: Inventory

    private static let groups = ["g0", "g1", "g2"]

    /// Parameters of every generated role, with a text for each type.
    private mutating func parameters() -> [String: String] {
        [
            "text": pick(["plain", "on", "\"{{ zone }}\"", "\"{{ inventory_hostname }}\"", "1.10"]),
            "count": pick(["\(number())", "\"{{ size }}\"", "\"{{ size + 1 }}\""]),
            "items": pick(["[a, b]", "[c, \"{{ zone }}\"]", "\"{{ names }}\"", "[]"]),
            "flag": pick(["true", "false", "\"{{ size > 4 }}\""]),
            "token": "\"\(Self.poison)-{{ zone }}\"",
            "cpus": pick(["\"0-3\"", "\"{{ facts.cpu.online }}\""]),
        ]
    }

    private mutating func scoped(chance percent: Int) -> [String] {
        var lines: [String] = []
        for role in 0..<roleCount where chance(percent) {
            let given = parameters().sorted { $0.key < $1.key }.filter { _ in chance(40) }
            if given.isEmpty { continue }
            lines.append(
                "r\(role): {\(given.map { "\($0.key): \($0.value)" }.joined(separator: ", "))}")
        }
        return lines
    }

    private mutating func flat(chance percent: Int) -> [String] {
        var lines: [String] = []
        if chance(percent) {
            lines.append("zone: \(pick(["z1", "z2", "\"{{ inventory_hostname }}\""]))")
        }
        if chance(percent) { lines.append("size: \(number())") }
        if chance(percent) { lines.append("names: [n\(number()), n\(number())x]") }
        if chance(percent / 4) {
            lines.append("flat: \(pick(["f1", "\"{{ group_names | length }}\""]))")
        }
        return lines
    }

    private mutating func addInventory() {
        var text = "all:\n  children:\n"
        for group in Self.groups {
            text += "    \(group):\n      hosts:\n        \(hosts[0]):\n"
            for host in hosts.dropFirst() where chance(45) { text += "        \(host):\n" }
        }
        text += "  hosts:\n"
        for host in hosts { text += "    \(host):\n" }
        fixture.files.append(("Inventory/hosts.yaml", text))
        let base = ["zone: z0", "size: 5", "names: [n]", "flat: f0"]
        fixture.files.append(
            ("Inventory/group_vars/all.yaml", lines(base + scoped(chance: 50))))
        for group in Self.groups {
            fixture.files.append(
                (
                    "Inventory/group_vars/\(group).yaml",
                    lines(flat(chance: 30) + scoped(chance: 40))
                ))
        }
        for host in hosts where chance(40) {
            fixture.files.append(
                (
                    "Inventory/host_vars/\(host).yaml",
                    lines(["address: 10.0.0.1"] + flat(chance: 30) + scoped(chance: 25))
                ))
        }
    }

    private func lines(_ lines: [String]) -> String {
        lines.isEmpty ? "{}\n" : lines.joined(separator: "\n") + "\n"
    }

    private mutating func addSite() {
        var text = ""
        for role in 0..<roleCount {
            let given = chance(30) ? ", count: \(number())" : ""
            text += "- hosts: \(pick(["all"] + Self.groups))\n  roles: [{role: r\(role)\(given)}]\n"
        }
        fixture.files.append(("Inventory/site.yaml", text))
    }

    private mutating func addFacts() {
        for host in hosts where chance(85) {
            let hardware: JSON = ["cpu": ["online": .string("0-\(number())")]]
            fixture.facts[host] = HostFactsInput(
                hardware: hardware, live: chance(70) ? ["services": ["a": [:]]] : nil,
                digest: Digest(of: hardware.canonicalBytes))
        }
    }

    // MARK: Roles

    private mutating func addRole(_ role: Int) {
        let values = parameters()
        var text = "description: Role \(role).\n"
        if role > 0, chance(40) { text += "requires: [r\(number() % role)]\n" }
        text += """
            parameters:
              text: {type: string, default: \(values["text"] ?? "x"), from: flat}
              count: {type: integer, default: \(number())}
              items: {type: list of string, default: \(values["items"] ?? "[]")}
              flag: {type: boolean, default: \(values["flag"] ?? "true")}
              token: {type: secret, default: \(Self.poison)}
              cpus: {type: cpu_list, default: \(values["cpus"] ?? "0")}
              derived: {type: string, default: "{{ text }}-{{ count }}"}
            resources:

            """
        for index in 0..<(4 + number()) { text += resource(role, index) }
        text += "handlers:\n  - {id: h, service: \"s{{ count }}\"}\n"
        fixture.files.append(("Roles/r\(role)/role.yaml", text))
        fixture.files.append(
            (
                "Roles/r\(role)/templates/t.j2",
                """
                {% for item in items %}
                {{ item }} {{ derived }}
                {% endfor %}
                {% if flag %}{% include 'secret.j2' %}{% endif %}
                {{ groups.all | length }} {{ group_names | join(',') }}

                """
            ))
        fixture.files.append(
            ("Roles/r\(role)/templates/secret.j2", pick(["{{ token }}\n", "{{ zone }}\n"])))
    }

    private mutating func resource(_ role: Int, _ index: Int) -> String {
        let path = "/srv/r\(role)/\(index)"
        var lines: [String]
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            lines = [
                "file: \(path)",
                "content: \"{{ \(pick(["text", "derived", "token", "size", "zone"])) }}\"",
            ]
        case 1: lines = ["file: \(path)", "template: t.j2"]
        case 2:
            lines = [
                "sysctl: net.core.r\(role)_\(index)",
                "value: \"{{ \(pick(["count", "size", "cpus"])) }}\"",
            ]
        case 3:
            lines = [
                "file: \"\(path)/{{ item }}\"",
                "for_each: \(pick(["items", "names", "\"{{ items + names }}\""]))",
                "content: \"{{ item }} {{ \(pick(["text", "count"])) }}\"",
            ]
        case 4: lines = ["directory: \(path)", "purge: \(pick(["true", "false"]))"]
        case 5:
            lines = [
                "line: l\(index)", "path: /etc/r\(role)", "text: \"\(index) {{ derived }}\"",
            ]
        case 6:
            lines = [
                "service: r\(role)-\(index)", "enabled: \"{{ flag }}\"",
                "when: facts.services.a is defined",
            ]
        default:
            lines = [
                "user: u\(role)x\(index)", "password: \"{{ token }}\"",
                "uid: \"{{ 1000 + count }}\"",
            ]
        }
        if chance(25), !lines.contains(where: { $0.hasPrefix("when") }) {
            lines.append("when: \(pick(["flag", "size > 4", "count != 3", "zone == 'z1'"]))")
        }
        if chance(20) { lines.append("notify: h") }
        if chance(20) { lines.append("tags: [t\(index % 2)]") }
        lines.append("id: i\(index)")
        if index > 0, chance(20) { lines.append("requires: i\(number() % index)") }
        return "  - " + lines.joined(separator: "\n    ") + "\n"
    }
}
