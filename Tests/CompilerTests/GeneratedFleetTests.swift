import Diagnostics
import FleetModel
import Inventory
import TestSupport
import Testing
import Wire

@testable import Compiler

/// What holds of every fleet, tried on fleets from a seed.
@Suite struct GeneratedFleetTests {
    static let seeds: [UInt64] = Array(1...40)

    /// What a compilation amounts to, for comparison.
    struct Outcome: Equatable {
        let host: String
        let digest: Digest?
        let faults: [Diagnostic]
        let blobs: [Digest]
        let facts: FactsUsed

        init(_ result: HostCompilation) {
            host = result.host
            digest = result.compiled?.digest
            faults = result.diagnostics
            blobs = result.blobs.keys.sorted()
            facts = result.factsUsed
        }
    }

    static func outcomes(
        _ compiler: Compiler, _ fleet: GeneratedFleet, hosts: [String], width: Int? = nil
    ) -> [Outcome] {
        var all: [Outcome] = []
        let facts = fleet.fixture.facts
        compiler.compile(
            hosts: hosts, facts: { facts[$0] ?? .none }, options: CompileOptions(width: width)
        ) { all.append(Outcome($0)) }
        return all
    }

    /// What hosts share changes nothing: each gives the same alone, in a fresh compiler.
    @Test(arguments: seeds)
    func everyHostGivesTheSameAlone(_ seed: UInt64) throws {
        let fleet = GeneratedFleet(seed: seed)
        let sources = try fleet.fixture.load()
        let hosts = sources.inventory.hosts
        let together = Self.outcomes(try Compiler(sources), fleet, hosts: hosts)
        #expect(together.map(\.host) == hosts)
        for (index, host) in hosts.enumerated() {
            let alone = Self.outcomes(try Compiler(sources), fleet, hosts: [host])
            #expect(alone == [together[index]], "seed \(seed), \(host)")
        }
    }

    /// Neither their order nor the number of threads changes a byte, nor does a second time.
    @Test(arguments: seeds.prefix(20))
    func orderAndThreadsChangeNothing(_ seed: UInt64) throws {
        let fleet = GeneratedFleet(seed: seed, hosts: 60)
        let compiler = try Compiler(try fleet.fixture.load())
        var random = SeededGenerator(seed: seed)
        let hosts = compiler.sources.inventory.hosts
        let first = Self.outcomes(compiler, fleet, hosts: hosts, width: 1)
        let shuffled = hosts.shuffled(using: &random)
        let second = Self.outcomes(
            try Compiler(try fleet.fixture.load()), fleet, hosts: shuffled, width: 3)
        #expect(second.map(\.host) == shuffled)
        let byHost = Dictionary(uniqueKeysWithValues: second.map { ($0.host, $0) })
        for one in first { #expect(byHost[one.host] == one) }
        #expect(Self.outcomes(compiler, fleet, hosts: hosts, width: 2) == first)
    }

    /// Plans are sound, their bytes are their JSON's, and no secret is in them or in a message.
    @Test(arguments: seeds)
    func plansAreSoundAndShowNoSecret(_ seed: UInt64) throws {
        let fleet = GeneratedFleet(seed: seed)
        let compiler = try Compiler(try fleet.fixture.load())
        for host in compiler.sources.inventory.hosts {
            for tags in [nil, ["t0"]] {
                let result = compiler.compile(
                    host: host, facts: fleet.fixture.facts[host] ?? .none,
                    options: CompileOptions(tags: tags, missingFacts: .skip))
                for fault in result.diagnostics {
                    // The line that an excerpt shows is the user's own file.
                    let message = [fault.summary, fault.cause ?? "", fault.hint ?? ""]
                    #expect(!message.joined().contains(GeneratedFleet.poison))
                }
                guard let compiled = result.compiled else { continue }
                let plan = compiled.plan
                let findings = PlanChecker.check(plan, secrets: [GeneratedFleet.poison])
                #expect(findings.map(\.description) == [], "seed \(seed), \(host)")
                #expect(compiled == CompiledPlan(plan, origins: compiled.origins))
                #expect(Set(Self.digests(in: plan)).isSubset(of: Set(result.blobs.keys)))
                for (digest, blob) in result.blobs {
                    let bytes = try blob.load(from: compiler.sources.files)
                    #expect(Digest(of: bytes) == digest && bytes.count == blob.size)
                    if String(decoding: bytes, as: UTF8.self).contains(GeneratedFleet.poison) {
                        #expect(blob.isSecret)
                    }
                }
            }
        }
    }

    /// Most of what is generated compiles, and not all of it: both ways are tried.
    @Test func fleetsAreOfBothKinds() throws {
        var counts = (plans: 0, faults: 0)
        for seed in Self.seeds.prefix(10) {
            let fleet = GeneratedFleet(seed: seed)
            let compiler = try Compiler(try fleet.fixture.load())
            for one in Self.outcomes(
                compiler, fleet, hosts: compiler.sources.inventory.hosts)
            {
                if one.digest == nil { counts.faults += 1 } else { counts.plans += 1 }
            }
        }
        #expect(counts.plans > 40 && counts.faults > 5, "\(counts)")
    }

    private static func digests(in plan: Plan) -> [Digest] {
        plan.resources.flatMap { resource in
            resource.attributes.values.compactMap {
                ($0["secret"]?.string ?? $0.string).flatMap { Digest($0) }
            }
        }
    }

    /// A thousand hosts take no more computations of what they share than a hundred do.
    @Test func sharedWorkIsDoneOnce() throws {
        func computations(hosts: Int) throws -> (shared: Int, own: Int) {
            var fixture = FleetFixture()
            fixture.files = [
                ("Inventory/hosts.yaml", "all:\n  hosts:\n    h[1:\(hosts)]:\n"),
                (
                    "Inventory/group_vars/all.yaml",
                    "r: {text: x}\nname: \"{{ text_of }}\"\ntext_of: y\n"
                ),
                ("Inventory/site.yaml", "- hosts: all\n  roles: [r, own]\n"),
                (
                    "Roles/r/role.yaml",
                    """
                    parameters:
                      text: {type: string}
                      other: {type: string, default: "{{ name }}"}
                    resources:
                      - file: /etc/a
                        content: "{{ text }} {{ other }}"
                      - file: /etc/b
                        template: b.j2
                      - sysctl: vm.swappiness
                        value: 1

                    """
                ),
                ("Roles/r/templates/b.j2", "{{ text }} {{ group_names | join(' ') }}\n"),
                (
                    "Roles/own/role.yaml",
                    "resources:\n  - file: /etc/c\n    content: \"{{ inventory_hostname }}\"\n"
                ),
            ]
            let sources = try fixture.load()
            let compiler = HostCompiler(sources, overrides: .none)
            for host in sources.inventory.hosts {
                let result = compiler.compile(host, facts: .none, CompileOptions())
                #expect(result.plan?.resources.count == 4)
            }
            return (compiler.computations(ofRole: "r"), compiler.computations(ofRole: "own"))
        }
        let few = try computations(hosts: 100)
        let many = try computations(hosts: 1000)
        #expect(few.shared == 3 && many.shared == 3)
        #expect(few.own == 100 && many.own == 1000)
    }
}
