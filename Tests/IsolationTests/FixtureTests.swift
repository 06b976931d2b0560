import Isolation
import Kinds
import Linux
import Presentation
import TestSupport
import Testing
import Wire

/// The machines of Tests/Fixtures/Isolation, read through their files as an agent reads them.
struct FixtureTests {
    static let names =
        ((try? LocalMachine().list(Repository.fixtures("Isolation"))) ?? [])
        .filter { $0.hasSuffix(".txt") }

    @Test func thereAreFixtures() { #expect(FixtureTests.names.count >= 12) }

    @Test(arguments: names)
    func eachPolicyGivesWhatIsWritten(name: String) throws {
        let path = Repository.fixtures("Isolation/\(name)")
        let fixture = try TopologyFixture(try LocalMachine().textIfPresent(path) ?? "")
        try #require(!fixture.trials.isEmpty)
        let facts = try fixture.facts()
        for trial in fixture.trials { check(trial, facts) }
    }

    private func check(_ trial: TopologyFixture.Trial, _ facts: JSON) {
        do throws(IsolationRefusal) {
            let topology = try MachineTopology(facts: facts)
            let plan = try IsolationPlan(trial.policy, on: topology)
            #expect(trial.refused == nil, "\(trial.text): not refused: \(plan)")
            let sets = [
                "housekeeping": plan.housekeeping.text, "isolated": plan.isolated.text,
                "hot": plan.hot.text, "parked": plan.parked.text,
            ]
            for (name, wanted) in trial.sets {
                #expect(sets[name] == wanted, "\(trial.text): \(name)")
            }
            for note in trial.notes {
                #expect(
                    plan.findings.contains { $0.contains(note) },
                    "\(trial.text): \(note) is not in \(plan.findings)")
            }
            let view = plan.json(on: topology, host: "h")
            let text = (try? IsolationText(style: .plain).render(view)) ?? ""
            #expect(text.contains("isolcpus="))
        } catch {
            let said = "\(error.cause); \(error.hint ?? "")"
            #expect(trial.refused != nil, "\(trial.text): refused: \(said)")
            #expect(said.contains(trial.refused ?? ""), "\(trial.text): \(said)")
        }
    }
}
