import Compiler
import FleetModel
import Inventory
import Linux
import TestSupport
import Testing
import Wire

/// The small fleets of Tests/Fixtures/Compiler: each gives the plans or the faults it says.
@Suite struct FixtureTests {
    static let folder = Repository.fixtures("Compiler")
    static let names = Repository.names(in: folder, ending: ".txt")

    @Test func thereAreFixtures() { #expect(Self.names.count > 1) }

    @Test(arguments: names)
    func givesWhatItSays(_ name: String) throws {
        let golden = Golden("\(Self.folder)/\(name).txt")
        let outcome = try FleetFixture(golden.expected).outcome()
        #expect(golden.matches(outcome), "got:\n\(outcome)")
    }

    /// Every plan that a fixture gives passes the checker, which knows nothing of the compiler.
    @Test(arguments: names)
    func plansAreSound(_ name: String) throws {
        let fixture = try FleetFixture(Golden("\(Self.folder)/\(name).txt").expected)
        guard let sources = try? fixture.load(),
            let compiler = try? Compiler(sources, settings: fixture.settings)
        else { return }
        for host in sources.inventory.hosts {
            let result = compiler.compile(
                host: host, facts: fixture.facts[host] ?? .none,
                options: CompileOptions(tags: fixture.tags, missingFacts: .skip))
            guard let compiled = result.compiled else { continue }
            #expect(PlanChecker.check(compiled.plan).map(\.description) == [])
            #expect(compiled == CompiledPlan(compiled.plan, origins: compiled.origins))
            #expect(
                Set(compiled.origins.keys)
                    == Set(compiled.plan.resources.map(\.address)).union(
                        compiled.plan.handlers.map(\.address)))
        }
    }
}
