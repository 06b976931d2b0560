import Diagnostics
import Linux
import TestSupport
import Testing

@testable import Inventory

/// What patterns are refused with, and what goes beyond Ansible.
@Suite struct PatternTests {
    static let inventory = Result {
        let folder = try TemporaryDirectory()
        let path = try folder.write(
            "hosts.yaml",
            """
            market_data: {hosts: {"md[01:05]": }}
            gateways: {hosts: {gw1: , gw2: }}
            ld4: {children: {gateways: }, hosts: {md01: }}
            empty: {}
            """)
        return try InventorySet.load(sources: [path], machine: LocalMachine()).inventory
    }

    @Test(arguments: [
        (
            "market_date", "no host or group matches \"market_date\"",
            "did you mean \"market_data\"?"
        ),
        ("md06", "no host or group matches \"md06\"", "did you mean \"md01\"?"),
        ("zzz*", "no host or group matches \"zzz*\"", "muster inventory --graph shows the groups"),
        ("all:&nosuch", "no host or group matches \"&nosuch\"", nil),
        ("all:!nosuch", "no host or group matches \"!nosuch\"", nil),
        ("market_data[7]", "\"market_data[7]\" is outside of its group", nil),
        ("market_data[-6]", "\"market_data[-6]\" is outside of its group", nil),
        ("market_data[3:1]", "\"market_data[3:1]\" is outside of its group", nil),
        ("md0[1-3]", "\"[1-3]\" in the pattern \"md0[1-3]\" is ambiguous", nil),
        ("~[", "the regular expression \"[\" cannot be read", nil),
        ("empty", "\"empty\" matches no host", nil),
        ("gateways:!ld4", "\"gateways:!ld4\" matches no host", nil),
        ("@hosts.txt", "\"@hosts.txt\" can only be given on the command line", nil),
    ])
    func refused(pattern: String, summary: String, hint: String?) throws {
        let inventory = try Self.inventory.get()
        let faults = #expect(throws: Faults.self) { try inventory.hosts(matching: [pattern]) }
        #expect(faults?.all.map(\.summary) == [summary])
        #expect(faults?.all.first?.exitCode == .usage)
        if let hint { #expect(faults?.all.first?.hint == hint) }
        let place = Place(source: SourceText(name: "site.yaml", text: "x"), line: 1, column: 1)
        let placed = #expect(throws: Faults.self) {
            try inventory.hosts(matching: [pattern], at: place)
        }
        #expect(placed?.all.map(\.exitCode) == [.badInput])
        #expect(placed?.all.map(\.place) == [place])
    }

    @Test func allFaultsOfAPatternTogether() throws {
        let inventory = try Self.inventory.get()
        let faults = #expect(throws: Faults.self) {
            try inventory.hosts(matching: ["nosuch:~[", "md01,other"])
        }
        #expect(faults?.all.count == 3)
    }

    @Test(arguments: [
        ([], ["md01", "md02", "md03", "md04", "md05", "gw1", "gw2"]),
        (["gateways", "md01"], ["gw1", "gw2", "md01"]),
        (["md0[13]*"], ["md01", "md03"]),
        (["md01,gateways:!gw2"], ["md01", "gw1"]),
        ([" md01 , gw1 "], ["md01", "gw1"]),
        (["all:!empty"], ["md01", "md02", "md03", "md04", "md05", "gw1", "gw2"]),
        (["market_data[1:2]", "market_data[-1]"], ["md02", "md03", "md05"]),
        (["market_data[3:]"], ["md04", "md05"]),
        (["~(md|gw)0?1$"], ["md01", "gw1"]),
    ])
    func matched(patterns: [String], hosts: [String]) throws {
        #expect(Set(try Self.inventory.get().hosts(matching: patterns)) == Set(hosts))
    }

    @Test func filesHoldOnePatternInEachLine() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("limit", "# failed hosts\nmd01\n\n  gateways:!gw2  \n")
        let inventory = try Self.inventory.get()
        let machine = LocalMachine()
        #expect(try inventory.hosts(matching: ["@\(path)"], machine: machine) == ["md01", "gw1"])
        #expect(throws: Faults.self) {
            try inventory.hosts(matching: ["@/nonexistent"], machine: machine)
        }
    }

    @Test func limitKeepsOnlyWhatItNames() throws {
        let inventory = try Self.inventory.get()
        #expect(try inventory.hosts(matching: ["market_data"], limit: ["ld4"]) == ["md01"])
        let faults = #expect(throws: Faults.self) {
            try inventory.hosts(matching: ["gateways"], limit: ["md05"])
        }
        #expect(faults?.all.map(\.summary) == ["no host is left of \"gateways\""])
    }

    @Test(arguments: [
        ("*", "", true), ("*", "abc", true), ("a*c", "abbc", true), ("a*c", "abcd", false),
        ("a?c", "abc", true), ("a?c", "ac", false), ("[ab]c", "bc", true), ("[!ab]c", "bc", false),
        ("[a-c]x", "bx", true), ("[c-a]x", "bx", false), ("[]]x", "]x", true), ("[a", "[a", true),
        ("[!]]", "]", false), ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false),
        ("a.c", "abc", false), ("[a-]", "-", true),
    ])
    func globs(pattern: String, name: String, matches: Bool) {
        #expect(Glob(pattern).matches(name) == matches)
    }
}
