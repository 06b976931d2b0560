import FleetModel
import Kinds
import Resources
import TestSupport
import Wire

/// The behaviour of a fixture's kind, run on a machine.
extension FixtureContent {
    /// How many calls something makes on a machine of the fixture.
    func calls(_ body: (FakeMachine) throws -> some Any) throws -> Int {
        let machine = try machine()
        _ = try body(machine)
        return machine.calls.count
    }

    /// The difference in the form fixtures have.
    func difference(on machine: FakeMachine) throws -> JSON {
        try difference(kind.behaviour, machine)
    }

    private func difference<B: ResourceBehaviour>(
        _ behaviour: B.Type, _ machine: FakeMachine
    ) throws -> JSON {
        let declaration = try B.Declaration(name: name, attributes: attributes)
        switch B.observe([declaration], on: host(machine))[0] {
        case .success(let observation): return B.diff(declaration, observation).fixtureForm
        case .failure(let fault): return ["fault": .string(fault.text)]
        }
    }

    func findings(on machine: FakeMachine) throws -> [HostFinding] {
        try findings(kind.behaviour, machine)
    }

    private func findings<B: ResourceBehaviour>(
        _ behaviour: B.Type, _ machine: FakeMachine
    ) throws -> [HostFinding] {
        let declaration = try B.Declaration(name: name, attributes: attributes)
        guard case .success(let found) = B.observe([declaration], on: host(machine))[0]
        else { return [] }
        return B.findings(declaration, found)
    }

    /// Observes, differs, keeps images, applies: as the engine does, for one resource.
    func apply(on machine: FakeMachine) throws -> AgentFault? {
        var images: [BeforeImage] = []
        return try apply(on: machine, kept: KeptBlobs(), images: &images)
    }

    func apply(
        on machine: FakeMachine, kept: KeptBlobs, images: inout [BeforeImage]
    ) throws -> AgentFault? {
        try apply(kind.behaviour, machine, kept: kept, images: &images)
    }

    private func apply<B: ResourceBehaviour>(
        _ behaviour: B.Type, _ machine: FakeMachine, kept: KeptBlobs, images: inout [BeforeImage]
    ) throws -> AgentFault? {
        let declaration = try B.Declaration(name: name, attributes: attributes)
        let host = host(machine, kept: kept)
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

extension FakeMachine {
    /// A file of ours that is there only while something is applied.
    static func isScratch(_ path: String) -> Bool {
        path.contains("/.muster-") || path.contains("/muster/packages/")
            || path.hasPrefix("/var/lib/muster/onload") || path.hasPrefix("/lib/firmware/muster/")
            || path.hasPrefix("/run/muster-unit-")
    }

    /// What repositories offer, and what the kernel and daemons remember of links.
    static func isCache(_ path: String) -> Bool {
        [
            "/var/lib/apt/lists/", "/var/cache/dnf/", "/fake/network", "/run/network",
            "/run/systemd/resolve",
        ].contains { path.hasPrefix($0) }
    }

    /// What is changed by steps, each of which is whole: links of the kernel, and depmod's choice, which
    /// is another one while an initramfs is made.
    static func isStepwise(_ path: String) -> Bool {
        [
            "/fake/network", "/fake/card", "/run/network", "/sys/fs/cgroup/",
            "/etc/depmod.d/zz-muster-onload.conf",
        ]
        .contains { path.hasPrefix($0) } || path.hasSuffix("/modules.dep")
    }
}
