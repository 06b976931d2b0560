import Diagnostics
import Glibc
import Linux
import TestSupport
import Testing
import Wire

@testable import Inventory

/// Inventories generated from seeds read as the real Ansible reads them.
@Suite struct GeneratedTests {
    /// 40 seeds, or those that `MUSTER_SEEDS=41-400` names for a longer search.
    static let seeds: ClosedRange<UInt64> = {
        let text = getenv("MUSTER_SEEDS").map { String(cString: $0) } ?? ""
        let bounds = text.split(separator: "-").compactMap { UInt64($0) }
        return bounds.count == 2 && bounds[0] <= bounds[1] ? bounds[0]...bounds[1] : 1...40
    }()

    private struct Case {
        let seed: UInt64
        let folder: TemporaryDirectory
        let sources: [String]
        let patterns: [String]
    }

    @Test(.timeLimit(.minutes(5)))
    func generatedInventoriesReadAsAnsibleReadsThem() throws {
        var cases: [Case] = []
        var calls: [Reference.Call] = []
        for seed in Self.seeds {
            let folder = try TemporaryDirectory()
            var generator = try InventoryGenerator(seed: seed, folder: folder)
            let patterns = (0..<3).map { _ in generator.pattern() }
            cases.append(
                Case(seed: seed, folder: folder, sources: generator.sources, patterns: patterns))
            let sources = generator.sources.flatMap { ["-i", $0] }
            calls.append(.init(arguments: sources + ["--list"], directory: folder.path))
            calls.append(.init(arguments: sources + ["--graph"], directory: folder.path))
            for pattern in patterns {
                calls.append(
                    .init(
                        program: "ansible", arguments: sources + ["--list-hosts", "--", pattern],
                        directory: folder.path))
            }
        }
        let answers = try Reference.run(calls)
        var hosts = 0
        for (index, one) in cases.enumerated() {
            let mine = Array(answers[index * 5..<index * 5 + 5])
            try #require(mine[0].status == 0, "seed \(one.seed): \(mine[0].errors)")
            let inventory: InventorySet
            do {
                inventory = try InventorySet.load(
                    sources: one.sources.map(one.folder.path), machine: LocalMachine()
                ).inventory
            } catch {
                Issue.record("seed \(one.seed): \(error.all.map(\.text).joined(separator: "\n"))")
                continue
            }
            hosts += inventory.hosts.count
            let differences = Reference.differences(inventory.listJSON(), try mine[0].list())
            #expect(
                differences.isEmpty, "seed \(one.seed): \(differences.joined(separator: "\n"))")
            #expect((inventory.graph() ?? "") + "\n" == mine[1].output, "seed \(one.seed)")
            for (pattern, answer) in zip(one.patterns, mine.dropFirst(2)) {
                do {
                    let found = try inventory.hosts(matching: [pattern])
                    #expect(
                        found.sorted() == answer.hosts.sorted(),
                        "seed \(one.seed) \(pattern): \(answer.errors)")
                } catch {
                    // A position in an empty group: nothing in Ansible, a fault here.
                    #expect(
                        answer.hosts.isEmpty || error.all.map(\.code) == ["host-pattern"],
                        "seed \(one.seed) \(pattern): \(error.all.map(\.text))")
                }
            }
        }
        #expect(hosts > 5 * cases.count)
    }
}
