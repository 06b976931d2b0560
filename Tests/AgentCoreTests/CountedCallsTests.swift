import FleetModel
import Journal
import Kinds
import Linux
import Resources
import TestSupport
import Testing
import Wire

@testable import AgentCore

/// What an apply of many resources costs a host, counted in calls.
@Suite("Counted calls")
struct CountedCallsTests {
    /// Applies a plan of real kinds on a machine in memory; gives how many resources were changed.
    private func apply(_ resources: [PlannedResource], on machine: FakeMachine) throws -> Int {
        let plan = Plan(host: "h", resources: resources)
        let host = Host(
            machine: machine,
            blob: { _ throws(AgentFault) in [] },
            keep: { content throws(AgentFault) in Digest(of: content) })
        host.settle = {}
        var changed = 0
        let setting = RunSetting(
            host: host,
            report: { reply in
                guard case .resource(let report) = reply else { return }
                if report.outcome == .changed { changed += 1 }
                if let fault = report.fault { Issue.record("\(fault.text)") }
            })
        let log = RecordingLog(ValueMachine())
        var run = ApplyRun(try BoundPlan(plan), setting, log: log)
        _ = run.run()
        return changed
    }

    private func resource(
        _ kind: Kind, _ name: String, _ attributes: [String: JSON]
    ) -> PlannedResource {
        PlannedResource(
            address: "r/\(kind.rawValue):\(name)", kind: kind, name: name,
            attributes: attributes)
    }

    private func count(_ name: String, _ machine: FakeMachine, _ prefix: String = "") -> Int {
        machine.calls.filter { $0.name == name && $0.object.hasPrefix(prefix) }.count
    }

    @Test("200 parameters are one rewrite of their file and two looks at the files of others")
    func parameters() throws {
        let machine = FakeMachine()
        machine.put("/etc/sysctl.d", .directory)
        machine.put("/usr/lib/sysctl.d/50-default.conf", text: "vm.key0 = 3\n")
        let own = "/etc/sysctl.d/90-muster.conf"
        let resources = (0..<200).map { index in
            machine.put("/proc/sys/vm/key\(index)", text: "0\n")
            return resource(
                .sysctl, "vm.key\(index)",
                ["state": "present", "value": "1", "path": .string(own)])
        }
        #expect(try apply(resources, on: machine) == 200)
        #expect(count("replaceFile", machine, own) == 1)
        #expect(count("writeInPlace", machine) == 200)
        #expect(count("read", machine, "/usr/lib/sysctl.d/") == 3)
        #expect(count("read", machine, own) <= 3)
        #expect(machine.calls.count < 200 * 4 + 60, "\(machine.calls.count) calls")
    }

    @Test("200 packages are one run of apt-get, and one question before it")
    func packages() throws {
        let machine = FakeMachine()
        let apt = FakeApt()
        let resources = (0..<200).map { index in
            apt.offered["p\(index)"] = ["1.0"]
            return resource(.package, "p\(index)", ["state": "present"])
        }
        apt.install(on: machine)
        #expect(try apply(resources, on: machine) == 200)
        #expect(count("run", machine, "/usr/bin/apt-get") == 1)
        #expect(count("run", machine) == 2)
        #expect(count("read", machine, "/var/lib/dpkg/status") == 2)
    }
}
