import FleetModel
import Kinds
import Linux
import TestSupport
import Testing
import Wire

@testable import Resources

/// One boot menu, one initramfs and one daemon-reload for all that want them.
@Suite struct SharedWorkOfKindsTests {
    /// Changes of a run as the engine makes them: work that is shared is done at the end.
    private struct Run {
        let machine: FakeMachine
        let host: Host
        private var waits: [(name: String, wait: SharedWait)] = []
        private(set) var faults: [String: String] = [:]

        init(_ machine: FakeMachine) {
            self.machine = machine
            host = Host(
                machine: machine,
                blob: { digest throws(AgentFault) in Array("[Service]\nExecStart=/x\n".utf8) },
                keep: { content throws(AgentFault) in Digest(of: content) })
            host.settle = {}
            host.sharesWork = true
        }

        mutating func change<B: ResourceBehaviour>(
            _: B.Type, _ resources: [(name: String, attributes: [String: JSON])]
        ) throws {
            let declarations = try resources.map {
                try B.Declaration(name: $0.name, attributes: $0.attributes)
            }
            let due = try zip(declarations, B.observe(declarations, on: host)).compactMap {
                let found = try $1.get()
                guard case .changes(let changes) = B.diff($0, found) else {
                    return nil as DueChange<B>?
                }
                return DueChange($0, found, changes: changes.filter { !$0.isMadeByReboot })
            }
            #expect(due.count == resources.count)
            for ((name, _), outcome) in zip(resources, B.apply(due, on: host)) {
                switch outcome {
                case .made: break
                case .failed(let fault): faults[name] = fault.text
                case .waits(let wait): waits.append((name, wait))
                }
            }
        }

        mutating func finish() {
            for ((name, _), fault) in zip(waits, host.carryOut(waits.map(\.wait))) {
                if let fault { faults[name] = fault.text }
            }
        }

        func runs(_ program: String) -> Int {
            machine.calls.filter { $0.name == "run" && $0.object.hasPrefix(program) }.count
        }
    }

    private static let mkconfig = "/usr/sbin/grub-mkconfig"

    private func grub(fails: String? = nil, files: [String: String] = [:]) -> FakeMachine {
        let machine = FakeMachine()
        machine.put("/etc/default/grub", text: "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n")
        for (path, text) in files { machine.put(path, text: text) }
        FakeGrub(["running": "quiet"]).install(on: machine)
        if let fails {
            let now: JSON = ["running": "quiet", "fails": .string(fails)]
            let failing = FakeMachine()
            FakeGrub(now).install(on: failing)
            machine.programs[Self.mkconfig] = failing.programs[Self.mkconfig]
        }
        return machine
    }

    private func set(_ name: String, _ parameter: String) -> (String, [String: JSON]) {
        (name, ["parameters": [.string(parameter)]])
    }

    @Test func oneMenuForAllSets() throws {
        var run = Run(grub())
        try run.change(KernelCmdlineBehaviour.self, [set("a", "skew_tick=1")])
        try run.change(KernelCmdlineBehaviour.self, [set("b", "nosmt")])
        #expect(run.runs(Self.mkconfig) == 0)
        run.finish()
        #expect(run.faults == [:])
        #expect(run.runs(Self.mkconfig) == 1)
        let menu = run.machine.text("/boot/grub/grub.cfg") ?? ""
        #expect(menu.contains("skew_tick=1") && menu.contains("nosmt"))
    }

    /// The old menu and the old settings stay, of every set.
    @Test func aMenuThatCannotBeMade() throws {
        let machine = grub(fails: "no space")
        let before = machine.nodes
        var run = Run(machine)
        try run.change(KernelCmdlineBehaviour.self, [set("a", "skew_tick=1")])
        try run.change(KernelCmdlineBehaviour.self, [set("b", "nosmt")])
        run.finish()
        #expect(run.faults.keys.sorted() == ["a", "b"])
        #expect(run.faults["a"]?.hasPrefix("cannot generate /boot/grub/grub.cfg") == true)
        #expect(machine.nodes == before)
    }

    /// The set whose parameter another file takes out fails, and no other.
    @Test func aSetThatIsOverridden() throws {
        let vendor = """
            GRUB_CMDLINE_LINUX_DEFAULT="$(echo "$GRUB_CMDLINE_LINUX_DEFAULT" | sed 's/skew_tick=1//')"

            """
        var run = Run(grub(files: ["/etc/default/grub.d/95-vendor.cfg": vendor]))
        try run.change(KernelCmdlineBehaviour.self, [set("a", "skew_tick=1")])
        try run.change(KernelCmdlineBehaviour.self, [set("b", "nosmt")])
        run.finish()
        #expect(run.faults.keys.sorted() == ["a"])
        #expect(run.faults["a"]?.contains("would not have skew_tick=1") == true)
        #expect(run.machine.text(GrubDropIn.path("a")) == nil)
        #expect(run.machine.text("/boot/grub/grub.cfg")?.contains("nosmt") == true)
        #expect(run.runs(Self.mkconfig) == 3)
    }

    /// A parameter that moved from one set to another is back where it was.
    @Test func aSetThatYieldedGetsItBack() throws {
        let machine = grub()
        var first = Run(machine)
        try first.change(KernelCmdlineBehaviour.self, [set("a", "skew_tick=1")])
        first.finish()
        let before = machine.nodes
        machine.programs[Self.mkconfig] = grub(fails: "no space").programs[Self.mkconfig]
        var second = Run(machine)
        try second.change(KernelCmdlineBehaviour.self, [set("b", "skew_tick=0")])
        try second.change(KernelCmdlineBehaviour.self, [set("c", "nosmt")])
        second.finish()
        #expect(second.faults.keys.sorted() == ["b", "c"])
        #expect(machine.nodes == before)
    }

    @Test func oneInitramfsForAllModules() throws {
        let machine = FakeMachine()
        machine.put("/proc/sys/kernel/osrelease", text: "6.1.0\n")
        machine.put("/boot/initrd.img-6.1.0", text: "old")
        machine.put("/usr/sbin/update-initramfs", text: "", mode: 0o755)
        for folder in ["/etc/modprobe.d", "/etc/modules-load.d"] { machine.put(folder, .directory) }
        machine.put("/lib/modules/6.1.0/modules.dep", text: "net/a.ko:\nnet/b.ko:\n")
        for name in ["a", "b"] {
            machine.put("/sys/module/\(name)/initstate", text: "live\n")
            machine.put("/sys/module/\(name)/refcnt", text: "0\n")
        }
        machine.programs["/usr/sbin/update-initramfs"] = { _, machine in
            let options = ["a", "b"].allSatisfy {
                machine.text("/etc/modprobe.d/zz-muster-\($0).conf") != nil
            }
            #expect(options, "made before the options were in place")
            return ProgramResult(end: .exited(0))
        }
        var run = Run(machine)
        for name in ["a", "b"] {
            try run.change(
                KernelModuleBehaviour.self,
                [(name, ["options": ["depth": "4"], "initramfs": true])])
        }
        run.finish()
        #expect(run.faults == [:])
        #expect(run.runs("/usr/sbin/update-initramfs") == 1)
    }

    @Test func oneDaemonReloadForUnitsAndMounts() throws {
        let machine = FakeMachine()
        machine.put("/etc/systemd/system", .directory)
        machine.put("/proc/self/mountinfo", text: "")
        let units = ["a.service", "b.service", "c.service"]
        for unit in units { machine.put("/etc/systemd/system/\(unit)", text: "[Service]\n") }
        FakeSystemd(
            .object(
                Dictionary(
                    uniqueKeysWithValues: units.map {
                        ($0, ["FragmentPath": .string("/etc/systemd/system/\($0)")])
                    }))
        ).install(on: machine)
        var run = Run(machine)
        let content = Digest(of: "[Service]\nExecStart=/x\n".utf8).description
        try run.change(
            UnitBehaviour.self,
            units.map {
                (
                    $0,
                    ["content_digest": .string(content), "content_size": 23, "verify": false]
                )
            })
        #expect(run.runs("/bin/systemctl --no-pager --no-ask-password daemon-reload") == 0)
        for path in ["/data", "/more"] {
            try run.change(
                MountBehaviour.self,
                [(path, ["state": "mounted", "device": "tmpfs", "fstype": "tmpfs"])])
        }
        run.finish()
        #expect(run.faults == [:])
        #expect(run.runs("/bin/systemctl --no-pager --no-ask-password daemon-reload") == 1)
        // Mounts are started once systemd knows their units.
        let calls = machine.calls.filter { $0.name == "run" }.map(\.object)
        let reload = try #require(calls.firstIndex { $0.hasSuffix("daemon-reload") })
        let starts = calls.indices.filter { calls[$0].contains(" start ") }
        #expect(starts.count == 2 && starts.allSatisfy { $0 > reload })
    }
}
