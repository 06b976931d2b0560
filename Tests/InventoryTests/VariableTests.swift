import Diagnostics
import Linux
import TestSupport
import Testing
import Values
import YAML

@testable import Inventory

/// Every candidate with its place and level, the winner last; shared among hosts.
@Suite struct VariableTests {
    static let home = Result { try TemporaryDirectory() }

    static let inventory = Result {
        let folder = try home.get()
        for name in ["group_vars", "host_vars"] {
            try LocalMachine().makeDirectory(folder.path(name), mode: 0o700, uid: 0, gid: 0)
        }
        try folder.write(
            "hosts.yaml",
            """
            all:
              vars: {x: all}
            site:
              vars: {x: site}
              children:
                web:
                  vars: {x: web}
                  hosts:
                    h1: {x: host}
                    h2:
            """)
        try folder.write("group_vars/all.yml", "x: all file\n")
        try folder.write("group_vars/web.yml", "y: 1\nx: web file\n")
        try folder.write("host_vars/h1.yml", "x: host file\n")
        return try InventorySet.load(
            sources: [folder.path("hosts.yaml")], machine: LocalMachine()
        ).inventory
    }

    @Test func candidatesGoFromLowToHigh() throws {
        let variables = try #require(try Self.inventory.get().variables(of: "h1"))
        let found = variables.candidates("x")
        #expect(
            found.map { $0.node.text } == [
                "all", "site", "web", "all file", "web file", "host", "host file",
            ])
        #expect(
            found.map(\.level) == [
                .all, .group(name: "site", depth: 1, priority: 1),
                .group(name: "web", depth: 2, priority: 1), .all,
                .group(name: "web", depth: 2, priority: 1), .host, .host,
            ])
        #expect(found.map(\.isFile) == [false, false, false, true, true, false, true])
        let path = try Self.home.get().path
        #expect(
            found.map { $0.origin.description.split(separator: path + "/").joined() } == [
                "hosts.yaml:2:10", "hosts.yaml:4:10", "hosts.yaml:7:14", "group_vars/all.yml:1:1",
                "group_vars/web.yml:2:1", "hosts.yaml:9:14", "host_vars/h1.yml:1:1",
            ])
        #expect(variables.winner("x")?.node.text == "host file")
        #expect(variables.winner("y")?.node.value == .integer(1))
        #expect(variables.winner("nosuch") == nil)
        #expect(variables.names == ["x", "y"])
    }

    @Test func hostsOfTheSameGroupsShareWhatTheseSay() throws {
        let inventory = try Self.inventory.get()
        let first = try #require(inventory.variables(of: "h1"))
        let second = try #require(inventory.variables(of: "h2"))
        #expect(first.fromGroups === second.fromGroups)
        #expect(second.own.isEmpty)
        #expect(second.winner("x")?.node.text == "web file")
        #expect(inventory.groups(of: "h2") == ["site", "web"])
        #expect(inventory.groups(of: "nosuch") == [])
        #expect(inventory.hosts(inGroup: "site") == ["h1", "h2"])
        #expect(inventory.variables(of: "nosuch") == nil)
        #expect(inventory.hostJSON("nosuch") == nil)
        #expect(inventory.graph(from: "nosuch") == nil)
    }

    @Test func tenThousandHostsShareTheirVariables() throws {
        let folder = try TemporaryDirectory()
        var text = "all:\n  vars:\n"
        for number in 0..<300 { text += "    v\(number): [1, 2, 3]\n" }
        text += "g:\n  hosts:\n    h[00001:10000]: {own: 1}\n"
        let path = try folder.write("hosts.yaml", text)
        let inventory = try InventorySet.load(sources: [path], machine: LocalMachine()).inventory
        #expect(inventory.hosts.count == 10_000)
        let shared = Set(
            inventory.hosts.compactMap {
                inventory.variables(of: $0).map { ObjectIdentifier($0.fromGroups) }
            })
        #expect(shared.count == 1)
        #expect(inventory.variables(of: "h10000")?.names.count == 301)
    }

    @Test func aFleetDirectoryHasItsInventory() throws {
        let folder = try TemporaryDirectory()
        let machine = LocalMachine()
        let none = #expect(throws: Faults.self) {
            try FleetInventory.sources(fleetDirectory: folder.path, machine: machine)
        }
        #expect(none?.all.map(\.code) == ["unreadable"])
        for name in [
            "Inventory", "Inventory/hosts", "Inventory/group_vars", "Inventory/hosts/group_vars",
        ] {
            try machine.makeDirectory(folder.path(name), mode: 0o700, uid: 0, gid: 0)
        }
        try folder.write("Inventory/hosts/a.yaml", "web: {hosts: {h: }}\n")
        try folder.write("Inventory/hosts.ini", "[web]\ni\n")
        try folder.write("Inventory/hosts.yaml~", "broken")
        try folder.write("Inventory/site.yaml", "- hosts: all\n")
        try folder.write("Inventory/group_vars/web.yaml", "x: outer\ny: outer\n")
        try folder.write("Inventory/hosts/group_vars/web.yaml", "x: inner\n")
        #expect(
            try FleetInventory.sources(fleetDirectory: folder.path, machine: machine)
                == ["hosts", "hosts.ini"].map { folder.path("Inventory/\($0)") })
        let inventory = try FleetInventory.load(
            fleetDirectory: folder.path, sources: [], machine: machine
        ).inventory
        #expect(inventory.hosts == ["h", "i"])
        #expect(inventory.variables(of: "h")?.winner("y")?.node.text == "outer")
        let given = try FleetInventory.load(
            fleetDirectory: folder.path, sources: ["a,b,"], machine: machine)
        #expect(given.inventory.hosts == ["a", "b"])
    }

    @Test func aFleetDirectoryWithoutHostsIsAFault() throws {
        let folder = try TemporaryDirectory()
        let machine = LocalMachine()
        try machine.makeDirectory(folder.path("Inventory"), mode: 0o700, uid: 0, gid: 0)
        try folder.write("Inventory/site.yaml", "")
        let faults = #expect(throws: Faults.self) {
            try FleetInventory.load(fleetDirectory: folder.path, sources: [], machine: machine)
        }
        #expect(faults?.all.map(\.code) == ["no-inventory"])
    }
}
