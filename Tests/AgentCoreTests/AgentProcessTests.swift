import FleetModel
import Glibc
import Journal
import Linux
import TestSupport
import Testing
import Wire

@testable import AgentCore

@Suite("The agent as a process", .timeLimit(.minutes(5)))
struct AgentProcessTests {
    @Test("says hello with its version, protocol and host")
    func hello() throws {
        try withTemporaryDirectory { directory in
            let client = try AgentClient(state: directory + "/state")
            let hello = try client.receiveHello()
            #expect(hello.agentVersion == Version.current)
            #expect(hello.protocolVersion == WireProtocol.version)
            #expect(hello.uid == 0)
            #expect(!hello.architecture.isEmpty && !hello.bootID.isEmpty)
            #expect(client.end() == 0)
            // Saying hello leaves nothing behind.
            #expect(try LocalMachine().list(directory) == [])
        }
    }

    @Test(
        "knows a few fixed verbs and nothing else",
        arguments: [
            (["--version"], Int32(0), "muster-agent \(Version.current), protocol 2, "),
            (["--help"], 0, "usage: muster-agent serve"),
            ([], 64, "no verb given"), (["exec", "true"], 64, #"unknown argument "exec""#),
            (["serve", "--state-dir"], 64, "serve takes only --state-dir DIR"),
            (["serve", "--state-dir", "x"], 64, "not an absolute path"),
            (["--version", "x"], 64, "unknown argument"),
        ])
    func commandLine(_ arguments: [String], _ status: Int32, _ text: String) throws {
        let result = try ProcessRunner.run(
            ProgramCall(try BuiltProgram.path("muster-agent"), arguments))
        #expect(result.end == .exited(status))
        #expect((status == 0 ? result.outputText : result.errorText).contains(text))
    }

    @Test("applies, finds nothing to do, finds a change made by hand, and mends it")
    func mainJob() throws {
        try withTemporaryDirectory { directory in
            let state = directory + "/state"
            let path = directory + "/motd"
            let content = Array("hello\n".utf8)
            let plan = Plan(host: "h", resources: [file(path, "hello\n")])

            #expect(try runAgent(state, plan, .check).outcomes == "would_change")
            // A check writes nothing, not even its own state.
            #expect(try LocalMachine().list(directory) == [])
            let first = try runAgent(state, plan, .apply, serial: 1, blobs: [content])
            #expect(first.outcomes == "changed")
            #expect(try LocalMachine().read(path, limit: 100) == content)
            let second = try runAgent(state, plan, .apply, serial: 2)
            #expect(second.outcomes == "as_declared")
            #expect(second.resources.first?.reason == "same content, mode 0644")
            try LocalMachine().writeInPlace(path, Array("howdy\n".utf8))
            let drift = try runAgent(state, plan, .check)
            #expect(drift.outcomes == "would_change")
            #expect(drift.resources.first?.changes.map(\.attribute) == ["content"])
            #expect(
                try runAgent(state, plan, .apply, serial: 3, blobs: [content]).outcomes
                    == "changed")
            #expect(try runAgent(state, plan, .check).outcomes == "as_declared")
        }
    }

    @Test("reports what a run cost")
    func cost() throws {
        try withTemporaryDirectory { directory in
            let plan = Plan(
                host: "h", resources: [command("true", check: ["/bin/true"], run: ["/bin/echo"])])
            let end = try #require(try runAgent(directory, plan, .check).end)
            #expect(end.cpuMicroseconds > 0)
            #expect(!end.cpus.isEmpty)
            #expect(end.residentBytes > 1 << 20)
            #expect(end.wallMicroseconds > 0)
        }
    }

    @Test("serves several requests in one session, and facts")
    func session() throws {
        try withTemporaryDirectory { directory in
            let client = try AgentClient(state: directory + "/state")
            _ = try client.receiveHello()
            let plan = Plan(host: "h", resources: [file(directory + "/a", "a")])
            client.send(.facts(hardware: true, sections: ["mounts"]))
            guard case .facts(let facts) = try client.receive() else {
                Issue.record("no facts")
                return
            }
            #expect(facts["hardware"]?["hostname"]?.string?.isEmpty == false)
            #expect(facts["live"]?["mounts"]?["/"] != nil)
            #expect(try client.run(plan, .check).outcomes == "would_change")
            #expect(
                try client.run(plan, .apply, serial: 1, blobs: [Array("a".utf8)]).outcomes
                    == "changed")
            #expect(try client.run(plan, .apply, serial: 2).outcomes == "as_declared")
            #expect(client.end() == 0)
        }
    }

    @Test("takes a plan that was sent ahead of the request")
    func planAhead() throws {
        try withTemporaryDirectory { directory in
            let client = try AgentClient(state: directory + "/state")
            let plan = Plan(host: "h", resources: [file(directory + "/a", "a")])
            client.send(blob: plan.json.canonicalBytes)
            _ = try client.receiveHello()
            var needs = 0
            let run = try client.run(plan, .check) {
                if case .need = $0 { needs += 1 }
                return false
            }
            #expect(run.outcomes == "would_change")
            #expect(needs == 0)
        }
    }

    @Test("refuses an expired plan, an old serial, and a damaged plan")
    func refusals() throws {
        try withTemporaryDirectory { directory in
            let plan = Plan(host: "h", resources: [])
            let expired = try runAgent(directory, plan, .check) {
                $0.expiresAfterSeconds = 0
            }
            #expect(expired.fault?.code == "expired")
            #expect(try runAgent(directory, plan, .apply, serial: 5).end != nil)
            for serial in [0, 4, 5] {
                let replayed = try runAgent(directory, plan, .apply, serial: serial)
                #expect(replayed.fault?.code == "stale-serial")
            }
            #expect(try runAgent(directory, plan, .apply, serial: 6).end != nil)
            let missing = try runAgent(directory, plan, .check) { $0.plan = Digest(of: [1]) }
            #expect(missing.fault?.code == "no-blob")
        }
    }

    @Test("a request expires by the time since the hello, whatever day either machine thinks it is")
    func expiry() throws {
        func served(helloAgo age: Double, expiresAfter seconds: Int) throws -> AgentFault? {
            // Nobody is at the other end, so that an accepted request ends at once.
            let worker = Worker(
                conversation: Conversation(FrameChannel(input: -1, output: -1)),
                state: StateDirectory("/nowhere"), machine: FakeMachine(),
                helloSeconds: Clock.monotonicSeconds() - age)
            let request = RunRequest(
                mode: .check, plan: Digest(of: []), runID: "r", expiresAfterSeconds: seconds,
                requestedBy: "tester@here")
            return #expect(throws: AgentFault.self) { try worker.serve(request) }
        }
        #expect(try served(helloAgo: 0, expiresAfter: 3600)?.code == "controller-gone")
        #expect(try served(helloAgo: 3590, expiresAfter: 3600)?.code == "controller-gone")
        #expect(try served(helloAgo: 3601, expiresAfter: 3600)?.code == "expired")
        #expect(try served(helloAgo: 0, expiresAfter: -1)?.code == "expired")
        // Nothing in a request is a time of day.
        let request = RunRequest(
            mode: .apply, plan: Digest(of: []), runID: "r", expiresAfterSeconds: 3600,
            requestedBy: "tester@here")
        let numbers = request.json.object?.values.compactMap(\.integer) ?? []
        #expect(numbers.allSatisfy { $0 < 1_000_000 })
    }

    @Test("says in its hello which serial it accepted last, whichever controller gave it")
    func lastSerial() throws {
        try withTemporaryDirectory { directory in
            let plan = Plan(host: "h", resources: [])
            func said() throws -> Int? {
                let client = try AgentClient(state: directory)
                defer { _ = client.end() }
                return try client.receiveHello().lastSerial
            }
            #expect(try said() == 0)
            // As of a controller that counts milliseconds since the epoch.
            #expect(try runAgent(directory, plan, .apply, serial: 1_790_000_000_000).end != nil)
            #expect(try said() == 1_790_000_000_000)
            #expect(try runAgent(directory, plan, .apply, serial: 7).fault?.code == "stale-serial")
            #expect(try runAgent(directory, plan, .apply, serial: 1_790_000_000_001).end != nil)
            #expect(try said() == 1_790_000_000_001)
            // Nothing but the journal can be told; a hello is said all the same.
            try LocalMachine().replaceFile(
                directory + "/journal/0000000003.log", content: Array("torn".utf8), mode: 0o600,
                uid: 0, gid: 0)
            #expect(try said() == 1_790_000_000_001)
        }
    }

    @Test("a file the controller no longer has fails its resource; others go on")
    func missingBlob() throws {
        try withTemporaryDirectory { directory in
            let plan = Plan(
                host: "h", resources: [file(directory + "/a", "a"), file(directory + "/b", "b")])
            let run = try runAgent(
                directory + "/state", plan, .apply, serial: 1, blobs: [Array("b".utf8)])
            #expect(run.outcomes == "failed changed")
            #expect(run.resources.first?.fault?.code == "no-blob")
        }
    }

    @Test("a large blob goes through the spool and leaves nothing there")
    func largeBlob() throws {
        try withTemporaryDirectory { directory in
            let content = [UInt8](repeating: 7, count: 3 * BlobIntake.memoryLimit + 1000)
            let text = String(decoding: content, as: UTF8.self)
            let plan = Plan(host: "h", resources: [file(directory + "/big", text)])
            let run = try runAgent(directory + "/s", plan, .apply, serial: 1, blobs: [content])
            #expect(run.outcomes == "changed")
            #expect(try LocalMachine().list(directory + "/s/spool") == [])
            // It was copied in pieces: at no time did the agent hold it.
            let resident = try #require(run.end?.residentBytes)
            #expect(resident < content.count, "\(resident) bytes")
        }
    }

    @Test("one apply at a time: the second is refused and told who holds it, a check says so")
    func locked() throws {
        try withTemporaryDirectory { directory in
            let plan = Plan(host: "h", resources: [file(directory + "/a", "a")])
            let holder = try AgentClient(state: directory + "/held")
            _ = try holder.receiveHello()
            var request = RunRequest(
                mode: .apply, plan: CompiledPlan(plan).digest, runID: "held", serial: 1,
                expiresAfterSeconds: 600, requestedBy: "alice@ops1")
            request.deadlineSeconds = 60
            holder.send(.run(request))
            // The need of the plan is asked under the lock, and stays unanswered.
            guard case .need = try holder.receive() else {
                Issue.record("no need")
                return
            }
            let second = try runAgent(directory + "/held", plan, .apply, serial: 2)
            #expect(second.fault?.code == "locked")
            #expect(second.fault?.cause.contains("run held of alice@ops1 (process ") == true)
            let check = try runAgent(directory + "/held", plan, .check)
            #expect(
                check.end?.notices.contains { $0.contains("run held of alice@ops1") } == true)
        }
    }

    @Test("is refused without root, with a way out")
    func notRoot() throws {
        try withTemporaryDirectory { directory in
            chmod(directory, 0o755)
            // Where it was built others may not look in, as below /root.
            let agent = directory + "/agent"
            let copied = try ProcessRunner.run(
                ProgramCall("/bin/cp", [BuiltProgram.path("muster-agent"), agent]))
            try #require(copied.succeeded, "\(copied.errorText)")
            let client = try AgentClient(
                state: directory + "/state", program: agent,
                identity: ChildIdentity(uid: 65534, gid: 65534))
            let hello = try client.receiveHello()
            #expect(hello.uid == 65534)
            let plan = Plan(host: "h", resources: [])
            for mode in [RunRequest.Mode.check, .apply] {
                let run = try client.run(plan, mode, serial: 1)
                #expect(run.fault?.code == "not-root")
                #expect(run.fault?.hint?.contains("sudo") == true)
            }
            client.send(.facts(hardware: true, sections: ["mounts"]))
            guard case .facts = try client.receive() else {
                Issue.record("no facts")
                return
            }
            #expect(client.end() == 0)
        }
    }

    @Test("names what is orphaned, in apply and check, until it is declared again")
    func orphans() throws {
        try withTemporaryDirectory { directory in
            let state = directory + "/state"
            let a = file(directory + "/a", "a")
            let b = file(directory + "/b", "b")
            let both = Plan(host: "h", resources: [a, b])
            let blobs = [Array("a".utf8), Array("b".utf8)]
            func orphans(
                _ plan: Plan, _ mode: RunRequest.Mode = .check, _ serial: Int = 0
            ) throws -> [String]? {
                try runAgent(state, plan, mode, serial: serial, blobs: blobs).end?.orphans
            }
            let one = Plan(host: "h", resources: [a])
            let partial = Plan(host: "h", isPartial: true, resources: [a])
            let found = [
                try orphans(both, .apply, 1), try orphans(one, .apply, 2), try orphans(one),
                try orphans(both), try orphans(partial),
            ]
            #expect(found == [[], [b.address], [b.address], [], []])
        }
    }

    @Test("handlers that are pending are shown by a check and fire in the next apply")
    func pendingHandlers() throws {
        try withTemporaryDirectory { directory in
            let state = directory + "/state"
            let mark = directory + "/mark"
            func plan(_ program: [String]) -> Plan {
                Plan(
                    host: "h", resources: [file(directory + "/a", "a", notify: ["r/h"])],
                    handlers: [
                        PlannedHandler(
                            address: "r/h", kind: .command, name: "mark", action: .run,
                            arguments: program)
                    ])
            }
            let failing = try runAgent(
                state, plan(["/bin/false"]), .apply, serial: 1, blobs: [Array("a".utf8)])
            #expect(failing.handlers.map(\.outcome) == [.failed])
            let check = try runAgent(state, plan(["/bin/false"]), .check)
            #expect(check.outcomes == "as_declared")
            #expect(check.handlers.map(\.outcome) == [.pending])
            // The fresh definition counts.
            let second = try runAgent(state, plan(["/usr/bin/touch", mark]), .apply, serial: 2)
            #expect(second.handlers.map(\.outcome) == [.ran])
            #expect(access(mark, F_OK) == 0)
            let third = try runAgent(state, plan(["/usr/bin/touch", mark]), .apply, serial: 3)
            #expect(third.handlers.isEmpty)
        }
    }
}
