import FleetModel
import Linux
import Resources
import TestSupport
import Testing
import Wire

/// What handlers do, and when that counts as done.
@Suite struct HandlerRunnerTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        let action: PlannedHandler.Action
        let unit: JSON
        /// The reason, or `cannot …`.
        let expected: String
        /// The verbs of systemctl, in order, besides show and status.
        let verbs: [String]

        init(
            _ action: PlannedHandler.Action, _ unit: JSON, _ expected: String,
            _ verbs: [String] = []
        ) {
            self.action = action
            self.unit = unit
            self.expected = expected
            self.verbs = verbs
        }

        var testDescription: String { "\(action.rawValue): \(expected)" }
    }

    private static let running: [String: JSON] = ["ActiveState": "active", "SubState": "running"]

    private static func unit(_ more: [String: JSON], from base: [String: JSON] = [:]) -> JSON {
        .object(base.merging(more) { _, new in new })
    }

    private static let cases: [Case] = [
        Case(.restart, .object(running), "active (running)", ["restart"]),
        Case(.restart, [:], "active (running)", ["restart"]),
        Case(.reload, unit(["CanReload": "yes"], from: running), "active (running)", ["reload"]),
        Case(.reload, [:], "inactive: nothing to reload"),
        Case(
            .reload, .object(running),
            "cannot reload feed.service: feed.service cannot reload (it has no ExecReload=)"),
        Case(.reloadOrRestart, .object(running), "active (running)", ["reload-or-restart"]),
        Case(.start, [:], "active (running)", ["start"]),
        Case(.start, .object(running), "active (running) already"),
        Case(.stop, .object(running), "inactive", ["stop"]),
        Case(.stop, ["LoadState": "loaded"], "inactive already"),
        Case(
            .restart, ["LoadState": "not-found"],
            "cannot restart feed.service: there is no unit feed.service"),
        Case(
            .restart, ["UnitFileState": "masked"],
            "cannot restart feed.service: feed.service is masked"),
        Case(
            .restart, unit(["NeedDaemonReload": "yes"], from: running), "active (running)",
            ["daemon-reload", "restart"]),
        Case(
            .restart, ["Type": "oneshot", "after_start": ["ActiveState": "inactive"]],
            "ran to its end", ["restart"]),
        Case(
            .restart,
            unit([
                "after_start": [
                    "ActiveState": "failed", "SubState": "failed", "Result": "exit-code",
                ],
                "log": "feed[9]: no license",
            ]),
            "cannot restart feed.service: afterwards it is failed (exit-code)\n"
                + "    ● feed.service\n         Active: failed\n    feed[9]: no license",
            ["restart"]),
        Case(
            .restart, ["after_start": ["ActiveState": "activating", "SubState": "auto-restart"]],
            "cannot restart feed.service: afterwards it is activating (auto-restart)\n"
                + "    ● feed.service\n         Active: activating", ["restart"]),
        Case(
            .restart, ["refuses": ["restart": "Job for feed.service canceled."]],
            "cannot restart feed.service: systemctl exited with status 1: "
                + "Job for feed.service canceled.\n    ● feed.service\n         Active: inactive",
            ["restart"]),
    ]

    private func host(_ machine: FakeMachine) -> Host {
        let host = Host(
            machine: machine, blob: { (_) throws(AgentFault) in [] },
            keep: { (content) throws(AgentFault) in Digest(of: content) })
        host.settle = {}
        return host
    }

    private func result(_ handler: PlannedHandler, _ machine: FakeMachine) -> String {
        do throws(AgentFault) {
            return try HandlerRunner.run(handler, on: host(machine))
        } catch {
            return error.text
        }
    }

    private func verbs(_ machine: FakeMachine) -> [String] {
        machine.calls.filter { $0.name == "run" }.compactMap { call in
            call.object.split(separator: " ").dropFirst().first { !$0.hasPrefix("-") }.map(
                String.init)
        }.filter { $0 != "show" && $0 != "status" }
    }

    @Test(arguments: cases)
    private func service(_ test: Case) {
        let machine = FakeMachine()
        FakeSystemd(["feed.service": test.unit]).install(on: machine)
        let handler = PlannedHandler(
            address: "feed/restart", kind: .service, name: "feed", action: test.action)
        #expect(result(handler, machine) == test.expected)
        #expect(verbs(machine) == test.verbs)
    }

    @Test func aUnitWhoseConditionIsUnmetIsNotAFailure() throws {
        let machine = FakeMachine()
        machine.put("/lib/systemd/system/feed.service", text: "[Unit]\nConditionPathExists=/x\n")
        try machine.add(programs: [
            [
                "run": ["/usr/bin/systemd-analyze"],
                "answers": [["stderr": "test.service: ConditionPathExists=|/x failed.\n"]],
            ]
        ])
        FakeSystemd(["feed.service": ["after_start": [:]]]).install(on: machine)
        let handler = PlannedHandler(
            address: "feed/restart", kind: .service, name: "feed", action: .restart)
        #expect(
            result(handler, machine)
                == "not started: its condition is unmet: ConditionPathExists=/x")
    }

    @Test func aCommandRunsItsProgram() throws {
        let machine = try FakeMachine(
            tree: [:],
            programs: [
                ["run": ["/usr/sbin/update-grub"], "answers": [["status": 0]]],
                [
                    "run": ["/opt/fails", "-x"],
                    "answers": [["status": 3, "stdout": "one\n", "stderr": "no space\n"]],
                ],
            ])
        func command(_ arguments: String...) -> String {
            result(
                PlannedHandler(
                    address: "r/c", kind: .command, name: "rebuild", action: .run,
                    arguments: arguments), machine)
        }
        #expect(command("/usr/sbin/update-grub") == "/usr/sbin/update-grub exited with status 0")
        #expect(
            command("/opt/fails", "-x")
                == "cannot run rebuild: /opt/fails exited with status 3\n    one\n    no space")
        #expect(
            command("update-grub")
                == "cannot run rebuild: the handler does not give a program by its absolute path")
        #expect(
            command("/opt/none").hasPrefix("cannot run rebuild: execve /opt/none: No such file"))
    }
}
