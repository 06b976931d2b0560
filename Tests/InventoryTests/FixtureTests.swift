import Diagnostics
import Glibc
import Linux
import TestSupport
import Testing
import Wire

@testable import Inventory

/// The inventories of Tests/Fixtures/Inventory.
///
/// A folder of `same` is read as Ansible reads it; a folder of `faults` is refused, or warned of,
/// with the text of its file `expected`. A file `sources` names the sources, one in each line, else
/// it is the one entry whose name starts with `hosts`. A file `patterns` has one pattern in each
/// line, compared with `ansible --list-hosts`.
@Suite struct FixtureTests {
    static let same = Repository.fixtures("Inventory/same")
    static let faults = Repository.fixtures("Inventory/faults")

    static func folders(_ parent: String) -> [String] {
        (try? LocalMachine().list(parent)) ?? []
    }

    static func sources(_ folder: String) throws -> [String] {
        let machine = LocalMachine()
        if let text = try machine.textIfPresent("\(folder)/sources") {
            return text.split(separator: "\n").map(String.init)
        }
        return try machine.list(folder).filter { $0.hasPrefix("hosts") }
    }

    static func load(_ folder: String, _ options: InventoryOptions = .init()) throws
        -> LoadedInventory
    {
        try InventorySet.load(
            sources: try sources(folder).map { $0.contains(",") ? $0 : "\(folder)/\($0)" },
            machine: LocalMachine(), options: options)
    }

    @Test(.timeLimit(.minutes(5)))
    func fixturesReadAsAnsibleReadsThem() throws {
        let names = Self.folders(Self.same)
        try #require(!names.isEmpty)
        var calls: [Reference.Call] = []
        for name in names {
            let folder = "\(Self.same)/\(name)"
            let sources = try Self.sources(folder).flatMap { ["-i", $0] }
            calls.append(.init(arguments: sources + ["--list"], directory: folder))
            calls.append(.init(arguments: sources + ["--graph"], directory: folder))
        }
        let answers = try Reference.run(calls)
        for (index, name) in names.enumerated() {
            let list = answers[2 * index]
            let graph = answers[2 * index + 1]
            try #require(list.status == 0, "\(name): \(list.errors)")
            let inventory: InventorySet
            do {
                inventory = try Self.load("\(Self.same)/\(name)").inventory
            } catch let faults as Faults {
                Issue.record("\(name): \(faults.all.map(\.text).joined(separator: "\n"))")
                continue
            }
            let differences = Reference.differences(inventory.listJSON(), try list.list())
            #expect(differences.isEmpty, "\(name): \(differences.joined(separator: "\n"))")
            #expect((inventory.graph() ?? "") + "\n" == graph.output, "\(name)")
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func patternsMatchAsAnsibleMatchesThem() throws {
        var cases: [(folder: String, pattern: String)] = []
        var calls: [Reference.Call] = []
        for name in Self.folders(Self.same) {
            let folder = "\(Self.same)/\(name)"
            guard let text = try LocalMachine().textIfPresent("\(folder)/patterns") else {
                continue
            }
            let sources = try Self.sources(folder).flatMap { ["-i", $0] }
            for pattern in text.split(separator: "\n").map(String.init) {
                cases.append((folder, pattern))
                calls.append(
                    .init(
                        program: "ansible", arguments: sources + ["--list-hosts", "--", pattern],
                        directory: folder))
            }
        }
        try #require(calls.count > 20)
        for ((folder, pattern), answer) in zip(cases, try Reference.run(calls)) {
            let inventory = try Self.load(folder).inventory
            let name = "\(PathName.last(of: folder)) \(pattern)"
            do {
                let hosts = try inventory.hosts(matching: [pattern])
                // Ansible's order within one level of groups changes from run to run.
                #expect(hosts.sorted() == answer.hosts.sorted(), "\(name): \(answer.errors)")
            } catch {
                #expect(answer.hosts.isEmpty, "\(name): \(error.all.map(\.text))")
            }
        }
    }

    @Test(arguments: folders(faults))
    func faultText(name: String) throws {
        let folder = "\(Self.faults)/\(name)"
        var options = InventoryOptions()
        options.scriptTimeoutSeconds = 1
        var diagnostics: [Diagnostic]
        do {
            diagnostics = try Self.load(folder, options).warnings
        } catch let faults as Faults {
            diagnostics = faults.all
        }
        let text = (diagnostics.map(\.text).joined(separator: "\n\n") + "\n")
            .split(separator: folder + "/", omittingEmptySubsequences: false).joined()
        let golden = Golden("\(folder)/expected")
        #expect(golden.matches(text), "got:\n\(text)expected:\n\(golden.expected)")
    }
}
