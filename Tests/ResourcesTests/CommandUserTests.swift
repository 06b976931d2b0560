import FleetModel
import Linux
import Resources
import TestSupport
import Testing
import Wire

/// A command that is to run as a user never runs as root in its place.
@Suite struct CommandUserTests {
    /// getent answers while the command is observed, and has no answer when it is applied.
    @Test(arguments: [ProgramResult.End.timedOut, .exited(2), .exited(1)])
    func aUserThatIsLostMeanwhileIsAFault(_ end: ProgramResult.End) throws {
        let machine = FakeMachine()
        machine.put("/etc/passwd", text: "root:x:0:0::/root:/bin/sh\n")
        machine.put("/etc/group", text: "root:x:0:\n")
        var asked = 0
        var identities: [ChildIdentity?] = []
        machine.programs["/usr/bin/getent"] = { _, _ in
            asked += 1
            if asked > 1 { return ProgramResult(end: end) }
            return ProgramResult(
                end: .exited(0), output: Array("feed:*:20001:20001::/home/feed:/bin/sh\n".utf8))
        }
        machine.programs["/opt/check"] = { call, _ in
            identities.append(call.identity)
            return ProgramResult(end: .exited(1))
        }
        machine.programs["/opt/init"] = { call, _ in
            Issue.record("it was run as \(call.identity.map { "\($0.uid)" } ?? "root")")
            return ProgramResult(end: .exited(0))
        }
        let run = try BehaviourRun(
            CommandBehaviour.self, "init",
            ["run": ["/opt/init"], "check": ["/opt/check"], "run_as": "feed"], on: machine)
        #expect(throws: AgentFault.self) { try run.apply() }
        #expect(asked == 2)
        #expect(identities == [ChildIdentity(uid: 20_001, gid: 20_001)])
    }
}
