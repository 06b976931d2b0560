import FleetModel
import Kinds
import Linux
import TestSupport
import Testing
import Wire

@testable import AgentCore
@testable import Resources

/// Other managers beside us, and what is carried out at boot.
@Suite struct ConflictTests {
    private func plan(_ resources: [(Kind, String, [String: JSON])]) throws -> BoundPlan {
        let plan = Plan(
            host: "a",
            resources: resources.map { kind, name, attributes in
                PlannedResource(
                    address: "r/\(kind.rawValue):\(name)", kind: kind, name: name,
                    attributes: attributes)
            })
        return try BoundPlan(bytes: plan.json.canonicalBytes, digest: CompiledPlan(plan).digest)
    }

    private func machine(running programs: [String], files: [String: String] = [:]) -> FakeMachine {
        let machine = FakeMachine()
        for (index, name) in programs.enumerated() {
            machine.put("/proc/\(index + 10)/comm", text: name + "\n")
            machine.put("/proc/\(index + 10)/cmdline", text: "/usr/sbin/\(name)\u{0}")
        }
        machine.put("/proc/sys", .directory)
        for (path, text) in files { machine.put(path, text: text) }
        return machine
    }

    @Test func aManagerIsSaidWithWhatItMayUndo() throws {
        let plan = try plan([
            (.directory, "/srv", ["state": "present"]),
            (.cpuPower, "all", ["governor": "performance"]),
            (.irqAffinity, "all", ["cpus": "0-1", "spread": false]),
        ])
        let machine = machine(running: ["thermald", "irqbalance", "sshd"])
        let found = ConflictFinder(machine: machine).findings(in: plan)
        #expect(found.keys.sorted() == [1, 2])
        #expect(
            found[1]?.map(\.text) == [
                "thermald is active too, and lowers CPU frequencies when the CPU is hot"
            ])
        #expect(
            found[2]?.first?.text.hasPrefix("irqbalance is active too, and moves interrupts")
                == true)
        #expect(machine.calls.allSatisfy { !$0.isWrite })
    }

    /// One that was told which CPUs to leave alone chooses among those left; with one CPU for each
    /// interrupt it undoes them all the same.
    @Test func irqbalanceThatIsManagedIsNoConflict() throws {
        let balance: (Kind, String, [String: JSON]) = (
            .irqbalance, "system", ["banned_cpus": "2-3"]
        )
        let machine = machine(running: ["irqbalance"])
        let quiet = try plan([balance, (.irqAffinity, "all", ["cpus": "0-1", "spread": false])])
        #expect(ConflictFinder(machine: machine).findings(in: quiet) == [:])
        let spread = try plan([balance, (.irqAffinity, "ens1", ["cpus": "0-1", "spread": true])])
        #expect(ConflictFinder(machine: machine).findings(in: spread).keys.sorted() == [1])
    }

    @Test func tunedIsAPythonScriptAndCpupowerLeavesNoProgram() throws {
        let plan = try plan([(.cpuPower, "all", ["governor": "performance"])])
        let machine = machine(
            running: ["python3"],
            files: [
                "/etc/systemd/system/multi-user.target.wants/cpupower.service": "",
                "/proc/10/cmdline": "/usr/bin/python3\u{0}-Es\u{0}/usr/sbin/tuned\u{0}-l\u{0}",
            ])
        let found = ConflictFinder(machine: machine).findings(in: plan)[0] ?? []
        #expect(found.count == 2)
        #expect(found.contains { $0.text.hasPrefix("tuned is active too") })
        #expect(found.contains { $0.text.hasPrefix("cpupower is active too") })
    }

    /// No program is looked for where nothing of a plan could be undone.
    @Test func nothingIsReadForAPlanOfFiles() throws {
        let machine = machine(running: ["tuned"])
        let plan = try plan([(.directory, "/srv", ["state": "present"])])
        #expect(ConflictFinder(machine: machine).findings(in: plan) == [:])
        #expect(machine.calls.isEmpty)
    }
}

/// What `muster-agent boot` does.
@Suite struct BootServiceTests {
    private func machine() -> FakeMachine {
        let machine = FakeMachine()
        machine.put("/sys/kernel/mm/ksm/run", text: "1\n")
        machine.put(
            "/sys/kernel/mm/transparent_hugepage/enabled", text: "[always] madvise never\n")
        machine.put("/proc/irq/default_smp_affinity", text: "ff\n")
        let records: [(String, JSON)] = [
            ("ksm-system", ["kind": "ksm", "name": "system", "attributes": ["run": "stop"]]),
            (
                "transparent_hugepages-system",
                [
                    "kind": "transparent_hugepages", "name": "system",
                    "attributes": ["enabled": "never"],
                ]
            ),
            (
                "irq_affinity-default",
                [
                    "kind": "irq_affinity", "name": "default",
                    "attributes": ["cpus": "0-1", "spread": false],
                ]
            ),
        ]
        for (name, json) in records {
            machine.put("/etc/muster/boot.d/\(name).json", text: json.canonicalText + "\n")
        }
        return machine
    }

    @Test func eachStageCarriesOutItsOwn() {
        let machine = machine()
        var lines: [String] = []
        #expect(BootService(machine: machine) { lines.append($0) }.run(.early))
        #expect(machine.text("/sys/kernel/mm/ksm/run") == "0\n")
        #expect(
            machine.text("/sys/kernel/mm/transparent_hugepage/enabled")
                == "always madvise [never]\n")
        #expect(machine.text("/proc/irq/default_smp_affinity") == "ff\n")
        #expect(
            lines.sorted() == ["ksm system: set run", "transparent_hugepages system: set enabled"])
        #expect(BootService(machine: machine) { _ in }.run(.late))
        #expect(machine.text("/proc/irq/default_smp_affinity") == "3\n")
    }

    /// One that fails or cannot be understood keeps no other from being carried out, and shows.
    @Test func oneFailureLeavesTheOthers() {
        let machine = machine()
        machine.put("/etc/muster/boot.d/a.json", text: "{")
        machine.onKernelWrite = { path, _ in path.hasSuffix("ksm/run") ? 22 : 0 }
        var lines: [String] = []
        #expect(!BootService(machine: machine) { lines.append($0) }.run(.early))
        #expect(
            machine.text("/sys/kernel/mm/transparent_hugepage/enabled")
                == "always madvise [never]\n")
        #expect(
            lines.contains {
                $0.hasPrefix("failed: ksm system: cannot set /sys/kernel/mm/ksm/run to 0")
            }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("failed: cannot read /etc/muster/boot.d/a.json") })
    }

    private func machineWithACardThatIsDown() -> FakeMachine {
        let machine = machine()
        machine.put("/sys/class/net/ens1/flags", text: "0x1002\n")
        machine.put("/sys/class/net/ens1/mtu", text: "1500\n")
        machine.put("/sys/class/net/ens1/device", .link("../../../0000:41:00.0"))
        machine.drivers["ens1"] = FakeDriver()
        return machine
    }

    /// vmxnet3 makes its RSS table anew when its link comes up, which may be after `network.target`.
    @Test func cardsAreSetOnceTheyAreUp() {
        let machine = machineWithACardThatIsDown()
        let record: JSON = ["kind": "nic", "name": "ens1", "attributes": ["mtu": 9000]]
        machine.put("/etc/muster/boot.d/nic-ens1.json", text: record.canonicalText + "\n")
        var waits = 0
        var lines: [String] = []
        var service = BootService(machine: machine) { lines.append($0) }
        service.settle = {
            waits += 1
            #expect(machine.text("/sys/class/net/ens1/mtu") == "1500\n", "set before it was up")
            if waits == 3 { machine.put("/sys/class/net/ens1/flags", text: "0x1003\n") }
        }
        #expect(service.run(.late))
        #expect(waits == 3)
        #expect(machine.text("/sys/class/net/ens1/mtu") == "9000\n")
        #expect(lines.contains("nic ens1: set mtu"), "\(lines)")
    }

    /// A cable that is not there holds a boot for twenty seconds, and nothing longer.
    @Test func aCardThatStaysDownIsNotWaitedForEver() {
        let machine = machineWithACardThatIsDown()
        for link in [nil, "down"] as [String?] {
            var attributes: [String: JSON] = ["mtu": 9000]
            attributes["link"] = link.map { .string($0) }
            let record: JSON = ["kind": "nic", "name": "ens1", "attributes": .object(attributes)]
            machine.put("/etc/muster/boot.d/nic-ens1.json", text: record.canonicalText + "\n")
            machine.put("/sys/class/net/ens1/mtu", text: "1500\n")
            var waits = 0
            var lines: [String] = []
            var service = BootService(machine: machine) { lines.append($0) }
            service.settle = { waits += 1 }
            #expect(service.run(.late))
            #expect(waits == (link == nil ? 66 : 0))
            #expect(machine.text("/sys/class/net/ens1/mtu") == "9000\n")
            #expect(
                lines.contains("nic ens1: not up after 20 s; continuing without it")
                    == (link == nil))
        }
    }

    @Test func writesNothingButTheKernels() {
        let machine = machine()
        _ = BootService(machine: machine) { _ in }.run(.early)
        #expect(machine.calls.filter(\.isWrite).allSatisfy { $0.object.hasPrefix("/sys/") })
    }
}
