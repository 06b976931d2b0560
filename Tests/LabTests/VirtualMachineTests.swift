import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

/// A virtual machine with a kernel of its own, and a fleet whose one host it is.
private final class MachineFleet {
    let name: String
    let folder: TemporaryDirectory
    private(set) var inventory = ""

    init() throws {
        name = "vmt\(getpid())"
        folder = try TemporaryDirectory()
        let source = Repository.root + "/Examples/low-latency-host"
        let copied = try ProcessRunner.run(
            ProgramCall("/bin/cp", ["-aL", source, folder.path("fleet")]))
        try #require(copied.succeeded, "\(copied.errorText)")
        // The example's host is `vm`; this one stands beside others.
        try LocalMachine().rename(
            folder.path("fleet/Inventory/host_vars/vm.yaml"),
            to: folder.path("fleet/Inventory/host_vars/\(name).yaml"))
        let up = try script(["up"], seconds: 1_200)
        try #require(up.succeeded, "\(up.errorText)")
        let path = try script(["inventory", "--path"], seconds: 60).outputText
        inventory = String(path.filter { $0 != "\n" })
    }

    /// Takes the machine down; where something failed its console is kept and named.
    func takeDown(keepsConsole: Bool) {
        if keepsConsole {
            let console = try? script(["console"], seconds: 60)
            Issue.record("the end of the console:\n\(console?.outputText.suffix(3_000) ?? "none")")
        }
        _ = try? script(["down"], seconds: 120)
    }

    private func script(_ arguments: [String], seconds: Double) throws -> ProgramResult {
        try ProcessRunner.run(
            ProgramCall(
                "\(Repository.root)/Scripts/vm", ["--name", name] + arguments,
                timeoutSeconds: seconds))
    }

    /// What a line of shell prints on the machine.
    func onHost(_ command: String) throws -> String {
        try script(["exec", "--", "sh", "-c", command], seconds: 120).outputText
    }

    /// Waits for the machine to be up with another boot id, for five minutes at most.
    func waitForBoot(after old: String) throws {
        for _ in 0..<100 {
            let now = try script(
                ["exec", "--", "cat", "/proc/sys/kernel/random/boot_id"], seconds: 20)
            if now.succeeded, !now.outputText.hasPrefix(old) { return }
            sleep(3)
        }
        Issue.record("the machine did not come back")
    }

    /// Writes a file of the fleet.
    func write(_ path: String, _ text: String) throws {
        try LocalMachine().replaceFile(
            folder.path("fleet/\(path)"), content: Array((text + "\n").utf8), mode: 0o644, uid: 0,
            gid: 0)
    }

    /// A file of the machine's kernel, without the newline.
    func kernel(_ path: String) throws -> String {
        String(try onHost("cat \(path)").filter { $0 != "\n" && $0 != "\0" })
    }

    /// Runs a verb; its exit status and what it says on both outputs.
    func muster(_ arguments: String...) throws -> (status: Int32, text: String) {
        let environment = ProgramCall.plainEnvironment.filter { !$0.hasPrefix("HOME=") }
        let result = try ProcessRunner.run(
            ProgramCall(
                BuiltProgram.muster,
                arguments + ["--fleet", folder.path("fleet"), "-i", inventory],
                environment: environment + ["HOME=\(folder.path)"], timeoutSeconds: 1_500))
        guard case .exited(let status) = result.end else { return (-1, result.endText) }
        return (status, result.outputText + result.errorText)
    }
}

/// A trading host from bare to isolated and back, on a real kernel, proven by the kernel's own files.
///
/// One test, since each step stands on the one before: minutes, with two or three reboots.
@Suite("A virtual machine", .serialized, .timeLimit(.minutes(45)))
struct VirtualMachineTests {
    @Test func isProvisionedIsolatedAndPutBack() throws {
        let fleet = try MachineFleet()
        var isDone = false
        defer { fleet.takeDown(keepsConsole: !isDone) }
        #expect(try fleet.muster("ping", "--accept-new").status == 0)
        #expect(try fleet.muster("facts").status == 0)
        let fresh = try state(of: fleet)

        try showsWhatWouldBe(fleet)
        try survivesABrokenMenu(fleet)
        let apply = try fleet.muster("apply", "--yes", "--max-disruption", "reboot")
        try #require(apply.status == 0, "\(apply.text)")
        #expect(apply.text.contains("rebooted, and back after"), "\(apply.text)")
        try holds(fleet)
        try changesNothingMore(fleet)
        try findsWhatDoesNotBelong(fleet)
        try isPutBack(fleet, fresh)
        try holdsByTheOtherMeans(fleet)
        try setsCards(fleet)
        try keepsTheTime(fleet)
        try editsBootEntries(fleet)
        isDone = true
    }

    private func showsWhatWouldBe(_ fleet: MachineFleet) throws {
        let map = try fleet.muster("isolation", fleet.name, "--smt", "park")
        #expect(map.status == 0, "\(map.text)")
        for line in ["isolated      2-3,6-7", "hot           2,6", "[0h 1h] [2* 3-]"] {
            #expect(map.text.contains(line), "\(line)\n\(map.text)")
        }
        let plan = try fleet.muster("plan")
        #expect(plan.status == 2, "\(plan.text)")
        for line in [
            "~ kernel_cmdline cpu_isolation   isolcpus none → managed_irq,domain,2-3,6-7",
            "only with --max-disruption reboot",
        ] {
            #expect(plan.text.contains(line), "\(line)\n\(plan.text)")
        }
    }

    /// A menu that cannot be made anew fails its resource alone; the one in use stays as it was.
    private func survivesABrokenMenu(_ fleet: MachineFleet) throws {
        let menu = try fleet.onHost("sha256sum /boot/grub/grub.cfg")
        _ = try fleet.onHost(
            "printf '#!/bin/sh\\necho no disk >&2\\nexit 1\\n' >/etc/grub.d/99_broken; "
                + "chmod +x /etc/grub.d/99_broken")
        let apply = try fleet.muster("apply", "--yes", "--max-disruption", "reboot")
        #expect(apply.status == 1, "\(apply.text)")
        #expect(
            apply.text.contains("! kernel_cmdline low_latency   failed: ")
                && apply.text.contains("no disk"), "\(apply.text)")
        #expect(apply.text.contains("~ sysctl vm.swappiness"), "\(apply.text)")
        #expect(!apply.text.contains("rebooted"), "a host with a failure was rebooted")
        #expect(try fleet.onHost("sha256sum /boot/grub/grub.cfg") == menu)
        #expect(try fleet.onHost("ls /etc/default/grub.d | grep -c muster") == "0\n")
        _ = try fleet.onHost("rm /etc/grub.d/99_broken")
    }

    private func holds(_ fleet: MachineFleet) throws {
        let house = try CPUList(parsing: "0-1,4-5")
        let cpu = "/sys/devices/system/cpu"
        #expect(try fleet.kernel("\(cpu)/isolated") == "2-3,6-7")
        #expect(try fleet.kernel("\(cpu)/nohz_full") == "2-3,6-7")
        #expect(try fleet.kernel("/proc/sys/kernel/watchdog_cpumask") == house.text)
        for path in [
            "/proc/irq/default_smp_affinity",
            "/sys/devices/virtual/workqueue/cpumask",
            "/sys/bus/workqueue/devices/writeback/cpumask",
        ] {
            #expect(try CPUList(parsingMask: try fleet.kernel(path)) == house, "\(path)")
        }
        let manager = try fleet.onHost("grep Cpus_allowed_list: /proc/1/status")
        #expect(manager.contains(house.text), "\(manager)")
        #expect(
            try fleet.onHost("tr '\\0' '\\n' </proc/$(pgrep -x irqbalance)/environ").contains(
                "IRQBALANCE_BANNED_CPULIST=2-3,6-7"))
        // Every interrupt that can be moved is on housekeeping CPUs.
        let interrupts = try fleet.onHost(
            "for i in /proc/irq/*/; do n=$(basename $i); "
                + "ls -d $i*/ >/dev/null 2>&1 && ! grep -qx $n /run/muster/managed_irqs && "
                + "cat ${i}smp_affinity_list; done")
        #expect(interrupts.split(separator: "\n").count > 20)
        for line in interrupts.split(separator: "\n") {
            let list = try CPUList(parsing: String(line))
            #expect(list.subtracting(house).isEmpty, "an interrupt may go to \(line)")
        }
        let line = try fleet.kernel("/proc/cmdline")
        for parameter in [
            "isolcpus=managed_irq,domain,2-3,6-7", "nohz_full=2-3,6-7", "rcu_nocbs=2-3,6-7",
            "irqaffinity=0-1,4-5", "skew_tick=1", "mce=ignore_ce",
        ] {
            #expect(line.contains(parameter), "\(parameter)")
        }
        #expect(
            try fleet.kernel("/sys/kernel/mm/transparent_hugepage/enabled")
                == "always madvise [never]")
        let pages = "hugepages/hugepages-2048kB/nr_hugepages"
        #expect(try fleet.kernel("/sys/devices/system/node/node1/\(pages)") == "64")
        #expect(try fleet.kernel("/sys/devices/system/node/node0/\(pages)") == "16")
        #expect(try fleet.kernel("/proc/sys/vm/stat_interval") == "10")
        #expect(
            try fleet.onHost("systemctl is-active muster-boot muster-boot-late")
                == "active\nactive\n")
        // The recovery entry boots without any of it.
        let recovery = try fleet.onHost(
            "grep -A20 'recovery mode' /boot/grub/grub.cfg | grep linux")
        #expect(!recovery.contains("isolcpus"), "\(recovery)")
    }

    private func changesNothingMore(_ fleet: MachineFleet) throws {
        let again = try fleet.muster("apply", "--yes", "--max-disruption", "reboot")
        #expect(again.status == 0, "\(again.text)")
        #expect(again.text.contains("No changes."), "\(again.text)")
        let check = try fleet.muster("check", "--format", "jsonl")
        #expect(check.status == 0, "\(check.text)")
        // Where the agent's own time was spent.
        let text = check.text.split(separator: "\n").first { $0.hasPrefix("{") } ?? ""
        let json = try JSON(parsing: Array(text.utf8))
        let cpus = json["end"]?["cpus"]?.string ?? ""
        let used = try CPUList(parsing: cpus)
        #expect(!used.isEmpty)
        #expect(try used.subtracting(CPUList(parsing: "0-1,4-5")).isEmpty, "it ran on \(cpus)")
    }

    /// A process on an isolated CPU, another manager, a value changed by hand.
    private func findsWhatDoesNotBelong(_ fleet: MachineFleet) throws {
        _ = try fleet.onHost(
            "systemd-run --quiet --unit stray -p CPUAffinity=2 sleep 600; sysctl -qw vm.swappiness=33"
        )
        let check = try fleet.muster("check")
        #expect(check.status == 2, "\(check.text)")
        for found in [
            "(sleep) of stray.service may run on isolated CPU 2",
            "~ sysctl vm.swappiness   running 33 → 10",
        ] {
            #expect(check.text.contains(found), "\(found)\n\(check.text)")
        }
        _ = try fleet.onHost("systemctl stop stray")
    }

    /// A partition of cgroup v2 in place of isolcpus, second threads off, a module and a mount; and
    /// a reboot that takes longer than it may.
    private func holdsByTheOtherMeans(_ fleet: MachineFleet) throws {
        let role = """
            description: What the other roles leave out.
            resources:
              - kernel_module: dummy
                state: loaded
                options: {numdummies: "2"}
              - kernel_module: pcspkr
                state: absent
                blacklist: true
              - mount: /mnt/huge
                device: hugetlbfs
                fstype: hugetlbfs
                options: [pagesize=2M]
            """
        let site = """
            - hosts: all
              roles:
                - {role: cpu_isolation, mechanism: cgroup, smt: "off"}
                - {role: extras}
            """
        try LocalMachine().makeDirectory(
            fleet.folder.path("fleet/Roles/extras"), mode: 0o755, uid: 0, gid: 0)
        try fleet.write("Roles/extras/role.yaml", role)
        try fleet.write("Inventory/site.yaml", site)
        try fleet.write("Inventory/settings.yaml", "limits: {reboot: 5s}")
        let boot = try fleet.kernel("/proc/sys/kernel/random/boot_id")
        let late = try fleet.muster("apply", "--yes", "--max-disruption", "reboot")
        #expect(late.status == 1, "\(late.text)")
        for line in [
            "cannot reach the host after its reboot: it did not come back within 5 s",
            "hint: see its console.",
            "> cpu_isolation system   pending:",
            "+ kernel_module dummy   state (running) absent → loaded",
        ] {
            #expect(late.text.contains(line), "\(line)\n\(late.text)")
        }
        #expect(!late.text.contains("No reboot."), "\(late.text)")

        try fleet.write("Inventory/settings.yaml", "limits: {reboot: 15m}")
        try fleet.waitForBoot(after: boot)
        let again = try fleet.muster("apply", "--yes", "--max-disruption", "reboot")
        #expect(again.status == 0, "\(again.text)")
        #expect(again.text.contains("No changes."), "\(again.text)")

        let cpu = "/sys/devices/system/cpu"
        #expect(try fleet.kernel("\(cpu)/smt/control") == "off")
        #expect(try fleet.kernel("\(cpu)/online") == "0,2,4,6")
        #expect(try fleet.kernel("\(cpu)/nohz_full") == "2,6")
        #expect(try !fleet.kernel("/proc/cmdline").contains("domain,"))
        let group = "/sys/fs/cgroup"
        #expect(
            try fleet.kernel("\(group)/musterisolated.slice/cpuset.cpus.partition") == "isolated")
        #expect(try fleet.kernel("\(group)/cpuset.cpus.effective") == "0,4")
        #expect(try fleet.onHost("ls -d /sys/class/net/dummy*").split(separator: "\n").count == 2)
        #expect(try fleet.onHost("modprobe --showconfig | grep 'blacklist pcspkr'") != "")
        #expect(
            try fleet.onHost("findmnt -no FSTYPE,OPTIONS /mnt/huge").contains("pagesize=2M"))
    }

    /// Cards by real drivers: e1000e, vmxnet3 and virtio; and the one that muster comes in by.
    private func setsCards(_ fleet: MachineFleet) throws {
        let role = """
            description: Network cards.
            resources:
              - nic: 0000:41:00.0
                rings: {rx: 2048, tx: 512}
                coalescing: {rx-usecs: 0}
                pause: {autoneg: false, rx: false, tx: false}
                features: {gro: false, tso: false}
                timestamps: {rx: all, tx: true}
                mtu: 1600
              - nic: 52:54:00:6d:75:03
                rss: {equal: 2}
                rings: {rx: 2048}
              - nic: 52:54:00:6d:75:04
                channels: {combined: 2}
                xps_cpus: "0"
                ntuple: []
              - nic: 52:54:00:6d:75:01
                rings: {rx: 512}
            """
        try fleet.write("Roles/extras/role.yaml", role)
        try fleet.write("Inventory/site.yaml", "- {hosts: all, roles: [{role: extras}]}")
        let carrier = "cat /sys/class/net/enp0s3/carrier_changes"
        let changes = try fleet.onHost(carrier)
        let refused = try fleet.muster("apply", "--yes")
        #expect(refused.status == 1, "\(refused.text)")
        for line in [
            "! nic 52:54:00:6d:75:01   failed: rings.rx takes the link down, and muster's own connection",
            "rings.rx (running) 256 → 2048", "→ equal 2",
            "channels.combined (running) 4 → 2", "Disruption: 3 link_flap.",
        ] {
            #expect(refused.text.contains(line), "\(line)\n\(refused.text)")
        }
        #expect(try fleet.onHost(carrier) == changes, "the link that was refused to flap has")
        try fleet.write(
            "Roles/extras/role.yaml",
            role.replacing("rings: {rx: 512}", with: "coalescing: {rx-usecs: 10}"))
        #expect(try fleet.muster("apply", "--yes").status == 0)
        try cardsAreSet(fleet)
        let again = try fleet.muster("apply", "--yes")
        #expect(again.text.contains("No changes."), "\(again.text)")

        let boot = try fleet.kernel("/proc/sys/kernel/random/boot_id")
        _ = try fleet.onHost("systemctl --no-block reboot")
        try fleet.waitForBoot(after: boot)
        #expect(try fleet.onHost("systemctl is-system-running --wait") == "running\n")
        try cardsAreSet(fleet)
        let check = try fleet.muster("check", "-v")
        #expect(check.status == 0, "\(check.text)")
        #expect(
            try fleet.onHost("cat /run/udev/data/n* | grep -c LINK_FILE=.*90-muster-") == "3\n",
            "udev did not take the .link files")
    }

    /// By ethtool's own eyes.
    private func cardsAreSet(_ fleet: MachineFleet) throws {
        let rings = try fleet.onHost("ethtool -g enp65s0 | tail -n 12")
        #expect(rings.contains("RX:\t\t2048") && rings.contains("TX:\t\t512"), "\(rings)")
        #expect(try fleet.onHost("ethtool -c enp65s0").contains("rx-usecs: 0"))
        #expect(try fleet.onHost("ethtool -c enp0s3").contains("rx-usecs: 10"))
        let pause = try fleet.onHost("ethtool -a enp65s0")
        #expect(pause.contains("RX:\t\toff") && pause.contains("TX:\t\toff"), "\(pause)")
        let features = try fleet.onHost("ethtool -k enp65s0")
        for line in ["generic-receive-offload: off", "tcp-segmentation-offload: off"] {
            #expect(features.contains(line), "\(features)")
        }
        #expect(try fleet.kernel("/sys/class/net/enp65s0/mtu") == "1600")
        let table = try fleet.onHost("ethtool -x enp0s5 | grep -E '^ +[0-9]+:' | cut -d: -f2-")
        let rows = Set(table.split(whereSeparator: \.isWhitespace))
        #expect(rows == ["0", "1"], "\(table)")
        #expect(try fleet.onHost("ethtool -l enp0s6 | tail -n 2").contains("Combined:\t2"))
        #expect(
            try CPUList(parsingMask: fleet.kernel("/sys/class/net/enp0s6/queues/tx-1/xps_cpus"))
                == CPUList([0]))
    }

    /// The role time_sync: chrony, a configuration it refuses, and ptp4l in its place.
    private func keepsTheTime(_ fleet: MachineFleet) throws {
        let source = Repository.root + "/Roles/time_sync"
        let copied = try ProcessRunner.run(
            ProgramCall("/bin/cp", ["-aL", source, fleet.folder.path("fleet/Roles/time_sync")]))
        #expect(copied.succeeded)
        func site(_ parameters: String) throws {
            try fleet.write(
                "Inventory/site.yaml",
                "- {hosts: all, roles: [{role: time_sync, hardware_timestamps: false, \(parameters)}]}"
            )
        }
        try site("servers: [192.0.2.10]")
        let first = try fleet.muster("apply", "--yes")
        #expect(first.status == 0, "\(first.text)")
        #expect(try fleet.onHost("chronyc -n sources | tail -n 1").contains("192.0.2.10"))
        #expect(try fleet.muster("check").status == 0)

        try site("servers: [one two three]")
        let refused = try fleet.muster("apply", "--yes")
        #expect(refused.status == 1, "\(refused.text)")
        #expect(refused.text.contains("Could not parse server directive"), "\(refused.text)")
        #expect(try fleet.onHost("grep ^server /etc/chrony/chrony.conf").contains("192.0.2.10"))
        #expect(try fleet.onHost("systemctl is-active chrony") == "active\n")

        try site("discipline: ptp, interface: enp65s0")
        let second = try fleet.muster("apply", "--yes")
        #expect(second.status == 0, "\(second.text)")
        #expect(
            try fleet.onHost("systemctl is-active chrony ptp4l@enp65s0")
                == "inactive\nactive\n")
        #expect(
            try fleet.onHost("pmc -u -b 0 'GET DEFAULT_DATA_SET'").contains("slaveOnly"),
            "ptp4l does not answer")
        #expect(try fleet.muster("check").status == 0)
    }

    /// Entries as a real kernel-install makes them, in GRUB's place.
    ///
    /// Nothing boots by them.
    private func editsBootEntries(_ fleet: MachineFleet) throws {
        let made = try fleet.onHost(
            """
            set -e
            mv /boot/grub/grub.cfg /root/grub.cfg
            mkdir -p /boot/loader/entries /boot/$(cat /etc/machine-id) /etc/kernel
            echo 'timeout 3' >/boot/loader/loader.conf
            sed 's/.*\\(root=[^ ]*\\).*/\\1 ro console=ttyS0/' /proc/cmdline >/etc/kernel/cmdline
            kernel-install add $(uname -r) /boot/vmlinuz-$(uname -r) /boot/initrd.img-$(uname -r)
            cat /boot/loader/entries/*.conf
            """)
        #expect(made.contains("options"), "\(made)")
        func role(_ state: String) throws {
            try fleet.write(
                "Roles/extras/role.yaml",
                """
                description: Parameters of the kernel.
                resources:
                  - kernel_cmdline: entries
                    state: \(state)
                """
                    + (state == "present" ? "\n    parameters: [skew_tick=1, mce=ignore_ce]" : ""))
        }
        try fleet.write("Inventory/site.yaml", "- {hosts: all, roles: [{role: extras}]}")
        try role("present")
        let apply = try fleet.muster("apply", "--yes")
        #expect(apply.text.contains("> kernel_cmdline entries   pending: changed"), "\(apply.text)")
        // A kernel installed later gets them from kernel-install itself.
        _ = try fleet.onHost("kernel-install add 9.9.9-test /boot/vmlinuz-$(uname -r)")
        let options = try fleet.onHost("grep -h ^options /boot/loader/entries/*.conf")
        #expect(options.split(separator: "\n").count == 2)
        for line in options.split(separator: "\n") {
            #expect(line.contains(" skew_tick=1 mce=ignore_ce"), "\(line)")
            #expect(line.contains("root=UUID="), "\(line)")
        }
        #expect(try fleet.muster("plan").text.contains("> kernel_cmdline entries   pending"))
        try role("absent")
        let undo = try fleet.muster("apply", "--yes")
        #expect(undo.status == 0, "\(undo.text)")
        #expect(
            try fleet.onHost(
                "grep -lr -e skew_tick -e mce= /boot/loader /etc/kernel /etc/muster | wc -l")
                == "0\n")
        _ = try fleet.onHost("mv /root/grub.cfg /boot/grub/grub.cfg")
    }

    private func isPutBack(_ fleet: MachineFleet, _ fresh: [String: String]) throws {
        let site = """
            - hosts: all
              roles:
                - {role: cpu_isolation, state: absent}
                - {role: low_latency, state: absent}
                - {role: hugepages, state: absent, nodes: {"0": 16, "1": 64}}
            """
        try fleet.write("Inventory/site.yaml", site)
        let undo = try fleet.muster("apply", "--yes", "--max-disruption", "reboot")
        try #require(undo.status == 0, "\(undo.text)")
        #expect(undo.text.contains("rebooted, and back after"), "\(undo.text)")
        #expect(try fleet.muster("check").status == 0)
        let now = try state(of: fleet)
        for (what, value) in fresh.sorted(by: { $0.key < $1.key }) {
            #expect(now[what] == value, "\(what)")
        }
    }

    /// What the roles touch, as the kernel and the disk have it.
    private func state(of fleet: MachineFleet) throws -> [String: String] {
        let files = [
            "/proc/cmdline", "/sys/devices/system/cpu/isolated",
            "/proc/irq/default_smp_affinity", "/sys/devices/virtual/workqueue/cpumask",
            "/sys/bus/workqueue/devices/writeback/cpumask",
            "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/mm/ksm/run",
            "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
            "/proc/sys/vm/swappiness", "/proc/sys/vm/stat_interval",
            "/proc/sys/kernel/numa_balancing", "/proc/sys/kernel/watchdog_cpumask",
            "/proc/sys/net/core/busy_poll", "/etc/default/irqbalance",
        ]
        var state: [String: String] = [:]
        for file in files { state[file] = try fleet.onHost("cat \(file)") }
        state["systemd's CPUs"] = try fleet.onHost("grep Cpus_allowed_list: /proc/1/status")
        state["files"] = try fleet.onHost(
            "find /etc /usr/local /boot -newer /proc/1 -o -name '*muster*' | grep muster | sort")
        state["the menu"] = try fleet.onHost("grep -E '^\\s*(menuentry|linux)' /boot/grub/grub.cfg")
        return state
    }
}
