import FleetModel
import Glibc
import Kinds
import Linux
import Resources
import TestSupport
import Testing
import Wire

/// What every resource kind owes, shown on every fixture.
@Suite struct FixtureTests {
    @Test func everyWrittenKindHasFixtures() {
        let kinds = Set(ResourceFixture.all.map(\.kind))
        for kind in Kind.allCases {
            #expect(kinds.contains(kind), "no fixtures of \(kind.rawValue)")
        }
    }

    @Test(arguments: ResourceFixture.all)
    func differs(_ fixture: ResourceFixture) throws {
        let content = try fixture.read()
        let machine = try content.machine()
        machine.isReadOnly = true
        let found = try content.difference(on: machine)
        #expect(found.canonicalText == (content.json["diff"] ?? nil).canonicalText)
        #expect(machine.forbiddenWrites.isEmpty, "observing wrote")
        let expected = content.json["findings"]?.array ?? []
        let said = try content.findings(on: machine).map(\.json)
        #expect(JSON.array(said).canonicalText == JSON.array(expected).canonicalText)
    }

    /// Apply gives the declared state; a second time there is nothing to do.
    @Test(arguments: ResourceFixture.all.filter(\.isApplied))
    func applies(_ fixture: ResourceFixture) throws {
        let content = try fixture.read()
        let machine = try content.machine()
        let fault = try content.apply(on: machine)
        #expect(fault?.text == content.json["apply_fault"]?.string)
        #expect(try machine.differences(from: content.json["after"] ?? [:]) == [])
        #expect(machine.nodes.keys.filter(FakeMachine.isScratch) == [])
        for (link, expected) in content.json["drivers_after"]?.object ?? [:] {
            for (member, value) in expected.object ?? [:] {
                let found = machine.drivers[link]?.json[member]
                #expect(found?.canonicalText == value.canonicalText, "\(link): \(member)")
            }
        }
        if fault == nil {
            machine.isReadOnly = true
            let again = try content.difference(on: machine)
            if let reason = content.json["again"]?["pending"] {
                #expect(again["pending"] == reason)
            } else {
                let expected: JSON = ["as_declared": content.json["again"] ?? nil]
                #expect(again.canonicalText == expected.canonicalText)
            }
        }
    }

    /// Whichever call fails while it is read, the answer is never a wrong one.
    @Test(arguments: ResourceFixture.all, [ENOSPC, EIO])
    func readingFails(_ fixture: ResourceFixture, _ code: Int32) throws {
        let content = try fixture.read()
        let calls = try content.calls { try content.difference(on: $0) }
        for number in 1...max(1, calls) {
            let machine = try content.machine()
            machine.failure = (number, code)
            let found = try content.difference(on: machine)
            let isHonest =
                found["fault"] != nil || found["unknown"] != nil
                || found.canonicalText == (content.json["diff"] ?? nil).canonicalText
            #expect(isHonest, "call \(number) failed: \(found.canonicalText)")
        }
    }

    /// Whichever call fails while it is applied, each path is as it was or as it is to be, and the
    /// next run gets there.
    @Test(arguments: ResourceFixture.all.filter(\.isApplied), [ENOSPC, EIO])
    func applyingFails(_ fixture: ResourceFixture, _ code: Int32) throws {
        let content = try fixture.read()
        let reference = try content.machine()
        let before = reference.nodes
        let total = try content.calls { _ = try content.apply(on: $0) }
        let expectedFault = try content.apply(on: reference)
        let reading = try content.calls { try content.difference(on: $0) }
        // An interrupt that answers EIO is one that the kernel manages: no failure.
        if content.kind == .irqAffinity, code == EIO { return }
        // Where apply fails and putting back fails as well, two things went wrong at once.
        let isUndone =
            [.kernelCmdline, .kernelModule, .onload, .resolv].contains(content.kind)
            || content.kind.declarationType is any BootKeptDeclaration.Type
        if expectedFault != nil, isUndone { return }
        for number in reading..<total {
            let machine = try content.machine()
            machine.failure = (number + 1, code)
            let fault = try content.apply(on: machine)
            if fault == nil {
                // A call whose failure was put up with: the result is there all the same.
                let result = machine.nodes.filter { !FakeMachine.isScratch($0.key) }
                #expect(result == reference.nodes, "call \(number + 1) failed in silence")
            }
            // The files of dpkg, of accounts and of a cgroup change by steps, each of which is whole.
            // An archive is installed by its own scripts.
            let programs: [Kind] =
                [.package, .user, .group]
                + (content.json["onload"]?["archive"] != nil ? [.onload] : [])
            for (path, node) in machine.nodes
            where !FakeMachine.isScratch(path) && !programs.contains(content.kind)
                && !FakeMachine.isStepwise(path)
            {
                let contents = [before[path]?.content, reference.nodes[path]?.content]
                #expect(contents.contains(node.content), "call \(number + 1): \(path) is half done")
            }
            for path in before.keys
            where machine.nodes[path] == nil && !programs.contains(content.kind) {
                #expect(reference.nodes[path] == nil, "call \(number + 1): \(path) is lost")
            }
            machine.failure = nil
            let second = try content.apply(on: machine)
            #expect(second?.text == expectedFault?.text, "after call \(number + 1)")
            #expect(try machine.differences(from: content.json["after"] ?? [:]) == [])
        }
    }
}
