import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

@testable import Resources

/// Resources that are changed in one go, or share work, come to what each comes to by itself.
@Suite struct TogetherFixtureTests {
    /// How a resource came out: the fault of its change, and what then still differs.
    private struct Outcome: Equatable {
        var fault: String?
        var left: JSON
    }

    @Test(arguments: FixturePair.alone)
    func oneIsAsByItself(_ pair: FixturePair) throws { try compare(pair) }

    @Test(arguments: FixturePair.pairs)
    func twoAreAsOneByOne(_ pair: FixturePair) throws { try compare(pair) }

    private func compare(_ pair: FixturePair) throws {
        let contents = try pair.contents()
        let (one, other) = (try contents[0].machine(), try contents[0].machine())
        let expected = try oneByOne(pair.kind.behaviour, contents, one)
        let found = try together(pair.kind.behaviour, contents, other)
        #expect(found.outcomes == expected)
        #expect(other.nodes == one.nodes)
    }

    /// Whichever call fails: who reports no fault is as declared, and the next run gets there.
    @Test(arguments: FixturePair.pairs.filter { $0.kind.isSharing })
    func aFailureIsNobodysButItsOwn(_ pair: FixturePair) throws {
        let contents = try pair.contents()
        let reference = try contents[0].machine()
        let expected = try oneByOne(pair.kind.behaviour, contents, reference)
        // Where an apply fails by itself, a second failure may leave what it puts back.
        if expected.contains(where: { $0.fault != nil }) { return }
        let calls = try together(pair.kind.behaviour, contents, try contents[0].machine()).calls
        for call in calls {
            let machine = try contents[0].machine()
            machine.failure = (call, ENOSPC)
            let run = try together(pair.kind.behaviour, contents, machine)
            for outcome in run.outcomes where outcome.fault == nil {
                #expect(outcome.left["changes"] == nil, "call \(call) failed in silence")
            }
            machine.failure = nil
            let next = try together(pair.kind.behaviour, contents, machine)
            #expect(next.outcomes.allSatisfy { $0.fault == nil }, "after call \(call)")
            #expect(lines(machine) == lines(reference), "after call \(call)")
        }
    }

    /// Files by their lines, whose order depends on which resource came first.
    private func lines(_ machine: FakeMachine) -> [String: [Substring]] {
        machine.nodes.keys.reduce(into: [:]) { all, path in
            // A folder that was to go with its last file stays where that was interrupted.
            all[path] = machine.text(path)?.rawLines.sorted()
        }
    }

    // MARK: As the engine does

    private func host(_ contents: [FixtureContent], _ machine: FakeMachine) -> Host {
        let first = contents[0].host(machine)
        let blobs = contents.reduce(into: [Digest: [UInt8]]()) { all, content in
            all.merge(content.blobs) { $1 }
        }
        let host = Host(
            machine: machine, wantsContent: first.wantsContent,
            blob: { (digest) throws(AgentFault) in
                guard let blob = blobs[digest] else {
                    throw AgentFault("no-blob", "get a blob", cause: "there is none \(digest)")
                }
                return blob
            }, keep: first.keep)
        host.settle = {}
        host.now = first.now
        host.facts = first.facts
        return host
    }

    private func declarations<B: ResourceBehaviour>(
        _: B.Type, _ contents: [FixtureContent]
    ) throws -> [B.Declaration] {
        try contents.map { try B.Declaration(name: $0.name, attributes: $0.attributes) }
    }

    private func left<B: ResourceBehaviour>(
        _: B.Type, _ declaration: B.Declaration, on host: Host
    ) -> JSON {
        switch B.observe([declaration], on: host)[0] {
        case .success(let found): B.diff(declaration, found).fixtureForm
        case .failure(let fault): ["fault": .string(fault.text)]
        }
    }

    private func oneByOne<B: ResourceBehaviour>(
        _ type: B.Type, _ contents: [FixtureContent], _ machine: FakeMachine
    ) throws -> [Outcome] {
        let host = host(contents, machine)
        var faults: [String?] = []
        let declarations = try declarations(type, contents)
        for declaration in declarations {
            var waits: [(Int, SharedWait)] = []
            faults += change(type, [declaration], host, &waits)
            #expect(waits.isEmpty)
        }
        return zip(declarations, faults).map {
            Outcome(fault: $1, left: left(type, $0, on: host))
        }
    }

    /// Observes, keeps images and applies; the fault of each, and what waits for shared work.
    private func change<B: ResourceBehaviour>(
        _: B.Type, _ declarations: [B.Declaration], _ host: Host, _ waits: inout [(Int, SharedWait)]
    ) -> [String?] {
        var faults = [String?](repeating: nil, count: declarations.count)
        var due: [(Int, DueChange<B>)] = []
        let found = B.observe(declarations, on: host)
        for (index, (declaration, found)) in zip(declarations, found).enumerated() {
            guard case .success(let found) = found else {
                if case .failure(let fault) = found { faults[index] = fault.text }
                continue
            }
            switch B.diff(declaration, found) {
            case .changes(let changes):
                let made = changes.filter { !$0.isMadeByReboot }
                due.append((index, DueChange(declaration, found, changes: made)))
            case .asDeclared, .pending, .notApplicable: break
            case .unknown(let reason): faults[index] = reason
            case .blocked(let fault): faults[index] = fault.text
            }
        }
        let images = B.beforeImages(due.map(\.1), on: host)
        for ((index, _), images) in zip(due, images) {
            if case .failure(let fault) = images { faults[index] = fault.text }
        }
        due.removeAll { faults[$0.0] != nil }
        for ((index, _), outcome) in zip(due, B.apply(due.map(\.1), on: host)) {
            switch outcome {
            case .made: break
            case .failed(let fault): faults[index] = fault.text
            case .waits(let wait): waits.append((index, wait))
            }
        }
        return faults
    }

    private func together<B: ResourceBehaviour>(
        _ type: B.Type, _ contents: [FixtureContent], _ machine: FakeMachine
    ) throws -> (outcomes: [Outcome], calls: Range<Int>) {
        let host = host(contents, machine)
        host.sharesWork = true
        let declarations = try declarations(type, contents)
        var waits: [(Int, SharedWait)] = []
        var faults: [String?] = []
        if B.isAppliedTogether {
            faults = change(type, declarations, host, &waits)
        } else {
            for (index, declaration) in declarations.enumerated() {
                var own: [(Int, SharedWait)] = []
                faults += change(type, [declaration], host, &own)
                waits += own.map { (index, $0.1) }
            }
        }
        for ((index, _), fault) in zip(waits, host.carryOut(waits.map(\.1))) {
            faults[index] = fault?.text
        }
        let changed = machine.calls.count
        machine.failure = nil
        let outcomes = zip(declarations, faults).map {
            Outcome(fault: $1, left: left(type, $0, on: host))
        }
        return (outcomes, 1..<changed + 1)
    }
}

extension Kind {
    /// Whether its resources are changed together, or want work that others want too.
    fileprivate var isSharing: Bool {
        [.kernelCmdline, .kernelModule, .mount, .sysctl, .unit].contains(self)
    }
}
