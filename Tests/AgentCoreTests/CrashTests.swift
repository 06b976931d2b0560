import FleetModel
import Glibc
import Journal
import Linux
import TestSupport
import Testing
import Wire

@testable import AgentCore

/// A host of three files, two parameters that are changed in one go, and a handler, below one
/// directory, which stands for /etc/sysctl.d too.
private struct CrashBench {
    let directory: String
    var state: String { directory + "/state" }
    var old: String { directory + "/old" }
    var new: String { directory + "/new" }
    var mark: String { directory + "/mark" }
    var parameters: String { directory + "/sysctl.d" }
    /// The file of the two parameters, as the agent knows it and as it is.
    let own = "/etc/sysctl.d/90-crash.conf"
    var ownFile: String { parameters + "/90-crash.conf" }
    let keys = ["kernel.pid_max", "vm.swappiness"]
    let before = Array("before\n".utf8)

    var plan: Plan {
        Plan(
            host: "h",
            resources: [
                file(old, "after\n", mode: "0600", notify: ["r/h"]),
                PlannedResource(
                    address: "r/directory:d", kind: .directory, name: directory + "/d",
                    attributes: ["state": "present", "mode": "0755"]),
                file(new, "fresh\n", requires: ["r/directory:d"]),
            ] + keys.map(parameter),
            handlers: [
                PlannedHandler(
                    address: "r/h", kind: .command, name: "mark", action: .run,
                    arguments: ["/usr/bin/touch", mark])
            ])
    }
    let blobs = [Array("after\n".utf8), Array("fresh\n".utf8)]

    /// A parameter as it runs already, so that nothing but the file changes.
    private func parameter(_ key: String) -> PlannedResource {
        let path = "/proc/sys/" + key.split(separator: ".").joined(separator: "/")
        let value = try? LocalMachine().textIfPresent(path)
        return PlannedResource(
            address: "r/sysctl:\(key)", kind: .sysctl, name: key,
            attributes: [
                "state": "present", "value": .string(value?.filter { $0 != "\n" } ?? ""),
                "path": .string(own),
            ])
    }

    var hasParameters: Bool {
        let text = (try? LocalMachine().textIfPresent(ownFile)) ?? nil
        return keys.allSatisfy { text?.contains($0) == true }
    }

    func prepare() throws {
        removeTree(directory)
        mkdir(directory, 0o755)
        mkdir(parameters, 0o755)
        try LocalMachine().replaceFile(old, content: before, mode: 0o644, uid: 0, gid: 0)
    }

    /// The words before a program that is to see the folder as /etc/sysctl.d; `last` ends in it.
    func inside(_ last: String) -> [String] {
        [
            "/usr/bin/unshare", "--mount", "/bin/sh", "-c",
            "mount --bind \(parameters) /etc/sysctl.d && \(last)", "sh",
        ]
    }

    /// Applies with an agent that is killed at its n-th writing call; 0: not at all.
    func apply(killedAt call: Int, serial: Int) throws -> (run: AgentClient.Run, calls: Int) {
        let counter = directory + "/calls"
        let tool = try BuiltProgram.path("AgentTestTool")
        let client = try AgentClient(
            state: state,
            prefix: inside("exec \"$@\" 2>\(counter)") + [tool, "kill-at", "\(call)"])
        _ = try client.receiveHello()
        let run = try client.run(plan, .apply, serial: serial, blobs: blobs)
        client.send(.end)
        client.hangUp()
        _ = client.waitForExit()
        let text = try LocalMachine().textIfPresent(counter) ?? ""
        return (run, Int(text.filter(\.isNumber)) ?? -1)
    }
}

@Suite("Killed at every step", .timeLimit(.minutes(10)))
struct CrashTests {
    @Test("the journal has every before-image and every pending handler; the next run completes")
    func everyStep() throws {
        try withTemporaryDirectory { directory in
            let bench = CrashBench(directory: directory + "/host")
            try bench.prepare()
            let (whole, calls) = try bench.apply(killedAt: 0, serial: 1)
            #expect(whole.outcomes == "changed changed changed changed changed")
            #expect(bench.hasParameters)
            #expect(whole.handlers.map(\.outcome) == [.ran])
            #expect(calls > 30)
            var unfinished = 0
            for call in 1...calls {
                try bench.prepare()
                let (run, _) = try bench.apply(killedAt: call, serial: 1)
                unfinished += run.end == nil ? 1 : 0
                try verify(bench, call)
                try complete(bench, call, isUnfinished: run.end == nil)
            }
            // The last call of all sends the end itself.
            #expect(unfinished >= calls - 1)
        }
    }

    /// Whatever was changed can be put back from the journal alone.
    private func verify(_ bench: CrashBench, _ call: Int) throws {
        let state = StateDirectory(bench.state)
        let journal = try JournalDirectory.latest(in: state)
        let now = try LocalMachine().read(bench.old, limit: 100)
        #expect(now == bench.before || now == bench.blobs[0], "half written, killed at \(call)")
        let images = journal?.changes.flatMap(\.intent.before) ?? []
        let status = try LocalMachine().status(bench.old, followLinks: false)
        if now != bench.before || status.mode != 0o644 {
            let image = images.first {
                if case .file(bench.old, _, 0o644, 0, 0) = $0 { true } else { false }
            }
            guard case .file(_, let content, _, _, _) = image else {
                Issue.record("no before-image of \(bench.old), killed at \(call)")
                return
            }
            #expect(try BeforeStore(state).content(content) == bench.before)
            let isPending = journal?.pending.map(\.address) == ["r/h"]
            #expect(isPending || access(bench.mark, F_OK) == 0, "killed at \(call)")
        }
        for path in [bench.new, bench.directory + "/d"] where access(path, F_OK) == 0 {
            #expect(images.contains(.nothing(path: path)), "killed at \(call)")
        }
        // Of what is changed in one go, each has its intent before any is changed.
        if access(bench.ownFile, F_OK) == 0 {
            #expect(bench.hasParameters, "half written, killed at \(call)")
            let intents = journal?.changes.filter { $0.intent.kind == .sysctl } ?? []
            #expect(intents.map(\.intent.name) == bench.keys, "killed at \(call)")
            #expect(
                intents.allSatisfy { $0.intent.before.contains(.nothing(path: bench.own)) },
                "killed at \(call)")
        }
    }

    /// The next run finishes the work, fires the handler, and says what happened.
    private func complete(_ bench: CrashBench, _ call: Int, isUnfinished: Bool) throws {
        let begun = try JournalDirectory.latest(in: StateDirectory(bench.state))
        let run = try runAgent(
            bench.state, bench.plan, .apply, serial: 2, blobs: bench.blobs,
            prefix: bench.inside("exec \"$@\""))
        #expect(run.resources.count == 5, "killed at \(call)")
        #expect(bench.hasParameters, "killed at \(call)")
        let good: Set<ResourceReport.Outcome> = [.changed, .asDeclared]
        #expect(run.resources.allSatisfy { good.contains($0.outcome) }, "killed at \(call)")
        #expect(access(bench.mark, F_OK) == 0, "handler lost, killed at \(call)")
        if let begun, !begun.isFinished {
            #expect(
                run.end?.notices.contains { $0.contains("did not finish") } == true,
                "killed at \(call)")
        }
        for folder in [
            bench.directory, bench.parameters, bench.state, bench.state + "/journal",
            bench.state + "/before",
        ] {
            let left = try LocalMachine().list(folder).filter { $0.hasPrefix(".muster-") }
            #expect(left == [], "killed at \(call): left in \(folder)")
        }
    }
}

@Suite("A state directory that does not take writes", .timeLimit(.minutes(2)))
struct StateFaultTests {
    /// Mounts a small tmpfs for the body.
    private func withSmallDisk(_ options: String, _ body: (String) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            func run(_ words: String...) throws {
                let result = try ProcessRunner.run(ProgramCall(words[0], Array(words.dropFirst())))
                #expect(result.succeeded, "\(result.errorText)")
            }
            let disk = directory + "/disk"
            mkdir(disk, 0o700)
            try run("/bin/mount", "-t", "tmpfs", "-o", options, "none", disk)
            defer { try? run("/bin/umount", disk) }
            try body(disk)
        }
    }

    @Test("a full disk is a clear fault at whatever write it fills up, and nothing is half-written")
    func fullDisk() throws {
        try withSmallDisk("size=256k,mode=0700") { disk in
            for filler in stride(from: 0, through: 248, by: 8) {
                for name in ["/state", "/filler"] { removeTree(disk + name) }
                try withTemporaryDirectory { directory in
                    let path = directory + "/file"
                    let old = Array("old".utf8)
                    try LocalMachine().replaceFile(path, content: old, mode: 0o644, uid: 0, gid: 0)
                    try LocalMachine().replaceFile(
                        disk + "/filler", content: [UInt8](repeating: 0, count: filler << 10),
                        mode: 0o600, uid: 0, gid: 0)
                    let plan = Plan(host: "h", resources: [file(path, "new")])
                    let run = try runAgent(
                        disk + "/state", plan, .apply, serial: 1, blobs: [Array("new".utf8)])
                    let now = try LocalMachine().read(path, limit: 10)
                    if let fault = run.fault ?? run.resources.first?.fault {
                        #expect(fault.code == "no-space", "\(filler): \(fault)")
                        #expect(fault.hint?.isEmpty == false)
                        #expect(now == old)
                    } else {
                        #expect(run.outcomes == "changed")
                        #expect(now == Array("new".utf8))
                    }
                }
            }
        }
    }

    @Test("a read-only one is a clear fault for an apply, and no hindrance to a check")
    func readOnly() throws {
        try withSmallDisk("size=256k,mode=0700,ro") { disk in
            let plan = Plan(host: "h", resources: [])
            let run = try runAgent(disk + "/state", plan, .apply, serial: 1)
            #expect(run.fault?.code == "read-only")
            #expect(run.fault?.attempted == "create \(disk)/state")
            #expect(try runAgent(disk + "/state", plan, .check).end != nil)
        }
    }
}
