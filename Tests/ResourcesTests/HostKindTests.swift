import FleetModel
import Kinds
import Linux
import Resources
import TestSupport
import Testing
import Wire

/// What fixtures of one resource cannot show of services, packages and accounts.
@Suite struct HostKindTests {
    private func host(_ machine: FakeMachine) -> Host {
        let host = Host(
            machine: machine, blob: { (_) throws(AgentFault) in [] },
            keep: { (content) throws(AgentFault) in Digest(of: content) })
        host.settle = {}
        return host
    }

    private func runs(_ machine: FakeMachine) -> [String] {
        machine.calls.filter { $0.name == "run" }.map(\.object)
    }

    @Test func servicesAreOneCall() throws {
        let machine = FakeMachine()
        FakeSystemd(["ssh.service": ["ActiveState": "active"]]).install(on: machine)
        let services = ["ssh"] + (0..<40).map { "none\($0)" }
        let declarations = try services.map {
            try ServiceDeclaration(name: $0, attributes: ["state": "stopped"])
        }
        let results = ServiceBehaviour.observe(declarations, on: host(machine))
        #expect(runs(machine).count == 1)
        let differences = try zip(declarations, results).map {
            ServiceBehaviour.diff($0, try $1.get())
        }
        guard case .changes = differences[0] else {
            Issue.record("ssh runs, and that was not seen")
            return
        }
        #expect(
            differences.dropFirst().allSatisfy {
                $0 == .asDeclared("no such unit, so it neither runs nor starts")
            })
    }

    /// Where it may not start, it is enabled all the same; then there is nothing more to do.
    @Test func aUnitWithAnUnmetConditionIsStillEnabled() throws {
        let machine = FakeMachine()
        machine.put("/lib/systemd/system/ptp.service", text: "[Unit]\nConditionPathExists=/x\n")
        try machine.add(programs: [
            [
                "run": ["/usr/bin/systemd-analyze"],
                "answers": [["stderr": "test.service: ConditionPathExists=|/x failed.\n"]],
            ]
        ])
        FakeSystemd(["ptp.service": ["UnitFileState": "disabled"]]).install(on: machine)
        let run = try BehaviourRun(
            ServiceBehaviour.self, "ptp", ["state": "started", "enabled": true], on: machine)
        #expect(
            try run.difference()
                == .changes([Change("enabled", before: false, after: true)]))
        try run.apply()
        #expect(
            try run.difference()
                == .notApplicable("its condition is unmet: ConditionPathExists=/x"))
    }

    @Test func packagesAreOnePassOverTheDatabase() throws {
        let machine = FakeMachine()
        let text = (0..<400).map { index in
            "Package: p\(index)\nStatus: install ok installed\nArchitecture: amd64\n"
                + "Version: 1.\(index)-1\nDescription: a\n b\n .\n Package: p1\n\n"
        }
        machine.put(
            "/var/lib/dpkg/status",
            text: "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
                + text.joined())
        let declarations = try (0..<20).map {
            try PackageDeclaration(name: "p\($0 * 20)", attributes: [:])
        }
        let results = PackageBehaviour.observe(declarations, on: host(machine))
        for (index, result) in results.enumerated() {
            #expect(
                PackageBehaviour.diff(declarations[index], try result.get())
                    == .asDeclared("1.\(index * 20)-1 is installed"))
        }
        #expect(machine.calls.count <= 2 && runs(machine).isEmpty)
    }

    @Test func packageListsAreRefreshedOncePerRun() throws {
        let machine = try FakeMachine(
            tree: ["/var/lib/dpkg/status": ""],
            programs: [
                ["run": ["/usr/bin/apt-cache"], "answers": [["status": 0]]],
                ["run": ["/usr/bin/apt-get"], "answers": [["status": 0]]],
            ])
        let host = host(machine)
        for name in ["first", "second"] {
            let declaration = try PackageDeclaration(name: name, attributes: [:])
            let observation = try PackageBehaviour.observe([declaration], on: host)[0].get()
            #expect(throws: AgentFault.self) {
                try PackageBehaviour.apply(
                    declaration, observation,
                    changes: [Change("state", before: "absent", after: "present")], on: host)
            }
        }
        #expect(runs(machine).filter { $0.hasSuffix(" update") }.count == 1)
    }

    /// Two keys of one user, observed together and applied one after the other.
    @Test func keysOfOneFileKeepEachOther() throws {
        let folder = "/etc/ssh/keys"
        let machine = try FakeMachine(
            tree: [
                "/etc/passwd": "trader:x:7:7::/home/trader:/bin/sh\n",
                "/etc/ssh/keys": ["directory": true],
            ])
        let keys = [
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1Oe6I1nl4UrhX8pDzqZrSDVpzlBKpL1kzl6Tt5BQhm a",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE9tY9C4XHFhV5Vf0D1nS2vcRjH7dXkJtPq2cJwZ8sQK b",
        ]
        let declarations = try keys.map {
            try AuthorizedKeyDeclaration(
                name: "k",
                attributes: ["owner": "trader", "key": .string($0), "path": .string("\(folder)/t")])
        }
        let host = host(machine)
        let observed = AuthorizedKeyBehaviour.observe(declarations, on: host)
        for (declaration, observation) in zip(declarations, observed) {
            try AuthorizedKeyBehaviour.apply(
                declaration, try observation.get(), changes: [], on: host)
        }
        #expect(machine.text("\(folder)/t") == keys.map { $0 + "\n" }.joined())
    }

    /// A password's hash is in no argument, no difference and no fault, on any fixture.
    @Test func secretsAreNowhere() throws {
        for fixture in ResourceFixture.all where [.user, .unit].contains(fixture.kind) {
            let content = try fixture.read()
            let machine = try content.machine()
            let shown =
                content.kind == .user
                ? try trace(UserBehaviour.self, content, machine)
                : try trace(UnitBehaviour.self, content, machine)
            for secret in content.secrets {
                #expect(!shown.contains(secret), "\(fixture) shows its secret")
            }
        }
    }

    private func trace<B: ResourceBehaviour>(
        _: B.Type, _ content: FixtureContent, _ machine: FakeMachine
    ) throws -> String {
        let declaration = try B.Declaration(name: content.name, attributes: content.attributes)
        let host = content.host(machine)
        var shown = ""
        do throws(AgentFault) {
            let observation = try B.observe([declaration], on: host)[0].get()
            let difference = B.diff(declaration, observation)
            shown += difference.fixtureForm.canonicalText
            if case .changes(let changes) = difference {
                let images = try B.beforeImages(declaration, observation, on: host)
                shown += images.map(\.json.canonicalText).joined()
                try B.apply(declaration, observation, changes: changes, on: host)
            }
        } catch {
            shown += error.json.canonicalText
        }
        return shown + machine.calls.map(\.description).joined(separator: "\n")
    }
}
