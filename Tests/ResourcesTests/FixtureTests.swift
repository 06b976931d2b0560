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
        let found = try difference(content.kind.behaviour, content, machine)
        #expect(found.canonicalText == (content.json["diff"] ?? nil).canonicalText)
        #expect(machine.forbiddenWrites.isEmpty, "observing wrote")
        let expected = content.json["findings"]?.array ?? []
        let said = try findings(content.kind.behaviour, content, machine).map(\.json)
        #expect(JSON.array(said).canonicalText == JSON.array(expected).canonicalText)
    }

    /// Apply gives the declared state; a second time there is nothing to do.
    @Test(arguments: ResourceFixture.all.filter(\.isApplied))
    func applies(_ fixture: ResourceFixture) throws {
        let content = try fixture.read()
        let machine = try content.machine()
        let fault = try apply(content.kind.behaviour, content, machine)
        #expect(fault?.text == content.json["apply_fault"]?.string)
        #expect(try machine.differences(from: content.json["after"] ?? [:]) == [])
        #expect(machine.nodes.keys.filter(isScratch) == [])
        for (link, expected) in content.json["drivers_after"]?.object ?? [:] {
            for (member, value) in expected.object ?? [:] {
                let found = machine.drivers[link]?.json[member]
                #expect(found?.canonicalText == value.canonicalText, "\(link): \(member)")
            }
        }
        if fault == nil {
            machine.isReadOnly = true
            let again = try difference(content.kind.behaviour, content, machine)
            if let reason = content.json["again"]?["pending"] {
                #expect(again["pending"] == reason)
            } else {
                let expected: JSON = ["as_declared": content.json["again"] ?? nil]
                #expect(again.canonicalText == expected.canonicalText)
            }
        }
    }

    /// The before-images are enough to put everything back.
    @Test(arguments: ResourceFixture.all.filter(\.isApplied))
    func restores(_ fixture: ResourceFixture) throws {
        let content = try fixture.read()
        let machine = try content.machine()
        let before = machine.nodes
        let kept = KeptBlobs()
        var images: [BeforeImage] = []
        _ = try apply(content.kind.behaviour, content, machine, kept: kept, images: &images)
        // What a command does is its author's; units and packages have images of their own.
        guard content.kind != .command, machine.restore(images, from: kept) else { return }
        // Package lists are a cache; links and who brought them up are the kernel's.
        #expect(machine.nodes.filter { !isList($0.key) } == before.filter { !isList($0.key) })
    }

    /// Whichever call fails while it is read, the answer is never a wrong one.
    @Test(arguments: ResourceFixture.all, [ENOSPC, EIO])
    func readingFails(_ fixture: ResourceFixture, _ code: Int32) throws {
        let content = try fixture.read()
        let calls = try calls(of: content) { try difference(content.kind.behaviour, content, $0) }
        for number in 1...max(1, calls) {
            let machine = try content.machine()
            machine.failure = (number, code)
            let found = try difference(content.kind.behaviour, content, machine)
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
        let behaviour = content.kind.behaviour
        let reference = try content.machine()
        let before = reference.nodes
        let total = try calls(of: content) { _ = try apply(behaviour, content, $0) }
        let expectedFault = try apply(behaviour, content, reference)
        let reading = try calls(of: content) { try difference(behaviour, content, $0) }
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
            let fault = try apply(behaviour, content, machine)
            if fault == nil {
                // A call whose failure was put up with: the result is there all the same.
                let result = machine.nodes.filter { !isScratch($0.key) }
                #expect(result == reference.nodes, "call \(number + 1) failed in silence")
            }
            // The files of dpkg, of accounts and of a cgroup change by steps, each of which is whole.
            // An archive is installed by its own scripts.
            let programs: [Kind] =
                [.package, .user, .group]
                + (content.json["onload"]?["archive"] != nil ? [.onload] : [])
            for (path, node) in machine.nodes
            where !isScratch(path) && !programs.contains(content.kind) && !isStepwise(path) {
                let contents = [before[path]?.content, reference.nodes[path]?.content]
                #expect(contents.contains(node.content), "call \(number + 1): \(path) is half done")
            }
            for path in before.keys
            where machine.nodes[path] == nil && !programs.contains(content.kind) {
                #expect(reference.nodes[path] == nil, "call \(number + 1): \(path) is lost")
            }
            machine.failure = nil
            let second = try apply(behaviour, content, machine)
            #expect(second?.text == expectedFault?.text, "after call \(number + 1)")
            #expect(try machine.differences(from: content.json["after"] ?? [:]) == [])
        }
    }

    /// A file of ours that is there only while something is applied.
    private func isScratch(_ path: String) -> Bool {
        path.contains("/.muster-") || path.hasPrefix("/var/lib/muster/packages/")
            || path.hasPrefix("/var/lib/muster/onload") || path.hasPrefix("/lib/firmware/muster/")
    }

    private func isList(_ path: String) -> Bool {
        [
            "/var/lib/apt/lists/", "/var/cache/dnf/", "/fake/network", "/run/network",
            "/run/systemd/resolve",
        ].contains {
            path.hasPrefix($0)
        }
    }

    /// What is changed by steps, each of which is whole: links of the kernel, and depmod's choice, which
    /// is another one while an initramfs is made.
    private func isStepwise(_ path: String) -> Bool {
        [
            "/fake/network", "/fake/card", "/run/network", "/sys/fs/cgroup/",
            "/etc/depmod.d/zz-muster-onload.conf",
        ]
        .contains { path.hasPrefix($0) } || path.hasSuffix("/modules.dep")
    }

    // MARK: A behaviour behind one face

    private func calls(
        of content: FixtureContent, _ body: (FakeMachine) throws -> some Any
    ) throws -> Int {
        let machine = try content.machine()
        _ = try body(machine)
        return machine.calls.count
    }

    private func difference<B: ResourceBehaviour>(
        _ behaviour: B.Type, _ content: FixtureContent, _ machine: FakeMachine
    ) throws -> JSON {
        let declaration = try B.Declaration(name: content.name, attributes: content.attributes)
        switch B.observe([declaration], on: content.host(machine))[0] {
        case .success(let observation): return B.diff(declaration, observation).fixtureForm
        case .failure(let fault): return ["fault": .string(fault.text)]
        }
    }

    private func findings<B: ResourceBehaviour>(
        _ behaviour: B.Type, _ content: FixtureContent, _ machine: FakeMachine
    ) throws -> [HostFinding] {
        let declaration = try B.Declaration(name: content.name, attributes: content.attributes)
        guard case .success(let found) = B.observe([declaration], on: content.host(machine))[0]
        else { return [] }
        return B.findings(declaration, found)
    }

    private func apply<B: ResourceBehaviour>(
        _ behaviour: B.Type, _ content: FixtureContent, _ machine: FakeMachine
    ) throws -> AgentFault? {
        var images: [BeforeImage] = []
        return try apply(behaviour, content, machine, kept: KeptBlobs(), images: &images)
    }

    /// Observes, differs, keeps images, applies: as the engine does, for one resource.
    private func apply<B: ResourceBehaviour>(
        _ behaviour: B.Type, _ content: FixtureContent, _ machine: FakeMachine, kept: KeptBlobs,
        images: inout [BeforeImage]
    ) throws -> AgentFault? {
        let declaration = try B.Declaration(name: content.name, attributes: content.attributes)
        let host = content.host(machine, kept: kept)
        do throws(AgentFault) {
            let observation = try B.observe([declaration], on: host)[0].get()
            guard case .changes(let changes) = B.diff(declaration, observation) else { return nil }
            images = try B.beforeImages(declaration, observation, on: host)
            let made = changes.filter { !$0.isMadeByReboot }
            try B.apply(declaration, observation, changes: made, on: host)
            return nil
        } catch {
            return error
        }
    }
}

extension ResourceFixture {
    /// Whether there is something to apply.
    var isApplied: Bool { (try? read())?.json["diff"]?["changes"] != nil && !isPending }
    private var isPending: Bool { (try? read())?.json["diff"]?["pending"] != nil }
}
