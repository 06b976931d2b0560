import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

@testable import Resources

/// Several packages in as few transactions as can be, each with a result of its own.
@Suite struct PackageTransactionTests {
    /// A host with apt, and packages declared for it.
    private struct Bench {
        let machine = FakeMachine()
        let apt = FakeApt()
        let host: Host
        var declarations: [PackageDeclaration] = []

        init() {
            let machine = machine
            host = Host(
                machine: machine,
                blob: { _ throws(AgentFault) in
                    throw AgentFault("no-blob", "get a blob", cause: "there is none")
                },
                keep: { content throws(AgentFault) in Digest(of: content) })
            host.settle = {}
        }

        mutating func declare(_ name: String, _ attributes: [String: JSON] = [:]) throws {
            declarations.append(try PackageDeclaration(name: name, attributes: attributes))
        }

        /// The changes due, as they are found now.
        func due(_ declarations: [PackageDeclaration]) throws -> [PackageTransaction.Due] {
            try zip(declarations, PackageBehaviour.observe(declarations, on: host)).compactMap {
                let observation = try $1.get()
                guard case .changes(let changes) = PackageBehaviour.diff($0, observation) else {
                    return nil
                }
                return DueChange($0, observation, changes: changes)
            }
        }

        /// Applies all in one go; the faults by name.
        func together() throws -> [String: String] {
            apt.install(on: machine)
            let due = try due(declarations)
            var faults: [String: String] = [:]
            for (one, outcome) in zip(due, PackageBehaviour.apply(due, on: host)) {
                if case .failed(let fault) = outcome { faults[one.declaration.name] = fault.text }
            }
            return faults
        }

        /// Applies one after the other, each as it is found then.
        func oneByOne() throws -> [String: String] {
            apt.install(on: machine)
            var faults: [String: String] = [:]
            for declaration in declarations {
                let found = try PackageBehaviour.observe([declaration], on: host)[0].get()
                switch PackageBehaviour.diff(declaration, found) {
                case .changes(let changes):
                    let due = DueChange<PackageBehaviour>(declaration, found, changes: changes)
                    if case .failed(let fault) = PackageBehaviour.apply([due], on: host)[0] {
                        faults[declaration.name] = fault.text
                    }
                case .blocked(let fault): faults[declaration.name] = fault.text
                default: break
                }
            }
            return faults
        }

        /// What was run, without options: `apt-get install a b`.
        var runs: [String] {
            machine.calls.filter { $0.name == "run" }.map { call in
                var words = call.object.split(separator: " ").map(String.init)
                words[0] = PathName.last(of: words[0])
                let verbs = ["install", "remove", "purge", "policy", "hold", "unhold", "update"]
                let start = words.firstIndex(where: verbs.contains) ?? 1
                let mark = words.contains("--simulate") ? ["simulate"] : []
                return ([words[0]] + mark + words[start...].filter { $0 != "--" })
                    .joined(separator: " ")
            }
        }
    }

    @Test func twoHundredAreOneTransaction() throws {
        var bench = Bench()
        for index in 0..<200 {
            bench.apt.offered["p\(index)"] = ["1.0"]
            try bench.declare("p\(index)")
        }
        #expect(try bench.together() == [:])
        #expect(bench.apt.installed.count == 200)
        #expect(bench.runs.map { $0.prefix(15) } == ["apt-cache polic", "apt-get install"])
    }

    @Test func oneThatCannotBeHadKeepsNoOtherFromIt() throws {
        func bench() throws -> Bench {
            var bench = Bench()
            for name in ["a", "b", "c", "d"] {
                bench.apt.offered[name] = ["1.0"]
                try bench.declare(name, name == "d" ? ["version": "2.0"] : [:])
            }
            bench.apt.refused = ["b"]
            bench.apt.offered["c"] = nil
            bench.apt.fresh = ["c": ["1.1"]]
            return bench
        }
        let (together, alone) = (try bench(), try bench())
        let faults = try together.together()
        #expect(faults == (try alone.oneByOne()))
        #expect(faults.keys.sorted() == ["b", "d"])
        #expect(together.apt.installed == alone.apt.installed)
        #expect(together.runs.filter { $0 == "apt-get update" }.count == 1)
        #expect(together.runs.contains("apt-get install a b c"))
    }

    /// dpkg goes on with the others; each is then as it would be by itself.
    @Test func oneThatCannotBeConfigured() throws {
        func bench() throws -> Bench {
            var bench = Bench()
            for name in ["a", "b", "c"] {
                bench.apt.offered[name] = ["1.0"]
                try bench.declare(name)
            }
            bench.apt.broken = ["b"]
            return bench
        }
        let (together, alone) = (try bench(), try bench())
        #expect(try together.together().keys.sorted() == ["b"])
        _ = try alone.oneByOne()
        #expect(together.apt.installed == alone.apt.installed)
    }

    @Test func removalsComeBeforeWhatIsInstalledAfterThem() throws {
        var bench = Bench()
        for name in ["old", "older", "kept"] { bench.apt.put(name, "1.0") }
        bench.apt.needs = ["old": ["older"]]
        for name in ["new", "newer", "last"] { bench.apt.offered[name] = ["1.0"] }
        try bench.declare("old", ["state": "absent"])
        try bench.declare("older", ["state": "absent"])
        try bench.declare("new")
        try bench.declare("newer", ["recommends": true])
        try bench.declare("last")
        #expect(try bench.together() == [:])
        #expect(
            bench.runs == [
                "apt-cache policy new newer last", "apt-get simulate remove old older",
                "apt-get remove old older", "apt-get install new last", "apt-get install newer",
            ])
        #expect(bench.apt.installed.keys.sorted() == ["kept", "last", "new", "newer"])
    }

    @Test func whatWouldTakeOthersAlongIsFoundOneByOne() throws {
        var bench = Bench()
        for name in ["a", "b", "user"] { bench.apt.put(name, "1.0") }
        bench.apt.needs = ["user": ["b"]]
        for name in ["a", "b"] { try bench.declare(name, ["state": "absent"]) }
        #expect(
            try bench.together() == ["b": "cannot remove package b: that would also remove user"])
        #expect(bench.apt.installed.keys.sorted() == ["b", "user"])
    }

    @Test func holdsAreLiftedFirstAndSetLast() throws {
        var bench = Bench()
        for name in ["a", "b", "c"] { bench.apt.put(name, "1.0", isHeld: name != "c") }
        for name in ["a", "b", "c"] { bench.apt.offered[name] = ["1.1", "1.0"] }
        try bench.declare("a", ["version": "1.1", "hold": true])
        try bench.declare("b", ["hold": false])
        try bench.declare("c", ["hold": true])
        #expect(try bench.together() == [:])
        #expect(
            bench.runs == [
                "apt-cache policy a", "apt-mark unhold b", "apt-get install a=1.1",
                "apt-mark hold a c",
            ])
        #expect(bench.apt.installed["a"] == FakeApt.Package(version: "1.1", isHeld: true))
        #expect(bench.apt.installed["b"]?.isHeld == false)
    }

    /// Half an hour of waiting for each would be days.
    @Test func aLockIsMetOnce() throws {
        var bench = Bench()
        for index in 0..<20 {
            bench.apt.offered["p\(index)"] = ["1.0"]
            try bench.declare("p\(index)")
        }
        bench.apt.isLocked = true
        #expect(try bench.together().count == 20)
        #expect(bench.runs.filter { $0.hasPrefix("apt-get install") }.count == 1)
    }

    /// Whichever call fails, who reports no fault is as declared, and the next run gets there.
    @Test func aCallThatFails() throws {
        func bench() throws -> Bench {
            var bench = Bench()
            for name in ["old", "older"] { bench.apt.put(name, "1.0") }
            for name in ["a", "b"] { bench.apt.offered[name] = ["1.0"] }
            bench.apt.fresh = ["c": ["1.0"]]
            bench.apt.put("h", "1.0")
            for name in ["old", "older"] { try bench.declare(name, ["state": "absent"]) }
            try bench.declare("a", ["hold": true])
            for name in ["b", "c"] { try bench.declare(name) }
            try bench.declare("h", ["hold": true])
            return bench
        }
        let whole = try bench()
        #expect(try whole.together() == [:])
        for call in 1...whole.machine.calls.count {
            let bench = try bench()
            bench.machine.failure = (call, EIO)
            let faults = try? bench.together()
            bench.machine.failure = nil
            bench.host.doneOnce = []
            let left = try bench.due(bench.declarations).map(\.declaration.name)
            if let faults {
                #expect(Set(left).isSubset(of: faults.keys), "call \(call) failed in silence")
            }
            #expect(try bench.together() == [:], "after call \(call)")
            #expect(bench.apt.installed == whole.apt.installed, "after call \(call)")
        }
    }

    /// Whatever is there and is wanted: together as one by one.
    @Test(arguments: 0..<60)
    func isTheSameAsOneByOne(_ seed: Int) throws {
        func bench() throws -> Bench {
            var generator = SeededGenerator(seed: UInt64(seed))
            func chance(_ percent: Int) -> Bool {
                Int.random(in: 0..<100, using: &generator) < percent
            }
            var bench = Bench()
            for index in 0..<8 {
                let name = "p\(index)"
                // Fetched lists change nothing of what is known already: an installation without a
                // version takes what is known when it is made.
                let versions = chance(50) ? ["1.1", "1.0"] : ["1.0"]
                if chance(80) {
                    bench.apt.offered[name] = versions
                } else if chance(60) {
                    bench.apt.fresh[name] = versions
                }
                if chance(40) { bench.apt.put(name, "1.0", isHeld: chance(30)) }
                if chance(15) { bench.apt.refused.insert(name) }
                // What is removed later needs nothing of what is removed before it.
                if index > 0, chance(20), bench.apt.fresh[name] == nil {
                    bench.apt.needs["p\(index - 1)"] = [name]
                }
                var attributes: [String: JSON] = [:]
                if chance(25) {
                    attributes["state"] = "absent"
                } else {
                    if chance(50) { attributes["version"] = chance(70) ? "1.1" : "1.0" }
                    if chance(40) { attributes["hold"] = .bool(chance(60)) }
                    if chance(20) { attributes["recommends"] = true }
                    if chance(20) { attributes["allow_downgrade"] = true }
                }
                if chance(80) { try bench.declare(name, attributes) }
            }
            return bench
        }
        let (together, alone) = (try bench(), try bench())
        var faults = try together.together()
        let expected = try alone.oneByOne()
        // What was blocked at first is for the engine to say.
        for (name, fault) in try together.oneByOne() where faults[name] == nil {
            faults[name] = fault
        }
        #expect(together.apt.installed == alone.apt.installed, "seed \(seed)")
        #expect(faults == expected, "seed \(seed)")
    }
}
