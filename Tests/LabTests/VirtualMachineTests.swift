import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

/// A trading host from bare to isolated and back, on a real kernel, proven by the kernel's own files.
///
/// One test, since each step stands on the one before: minutes, with two or three reboots.
@Suite("A virtual machine", .serialized, .timeLimit(.minutes(85)))
struct VirtualMachineTests {
    @Test func isProvisionedIsolatedAndPutBack() throws {
        let fleet = try MachineFleet()
        var isDone = false
        defer { fleet.takeDown(keepsConsole: !isDone) }
        let packages = try fleet.script(["onload"], seconds: 600)
        try #require(packages.succeeded, "\(packages.errorText)")
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
        try isTheSameAfterABoot(fleet)
        try isPutBack(fleet, fresh)
        try holdsByTheOtherMeans(fleet)
        try exchangesOnload(fleet)
        try setsCards(fleet)
        try keptOnload(fleet)
        try setsUpNetworks(fleet)
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
        let rings = try fleet.onHost("ethtool -g enp65s0 | tail -n 12")
        #expect(rings.contains("RX:\t\t2048") && rings.contains("TX:\t\t2048"), "\(rings)")
        #expect(try fleet.onHost("ethtool -c enp65s0").contains("rx-usecs: 0"))
        #expect(try fleet.kernel("/sys/module/onload/version").hasPrefix("9.2.1"))
        #expect(try fleet.kernel("/sys/module/sfc/version") == "6.4.0.1003")
        #expect(try fleet.onHost("stat -c %a /dev/onload") == "660\n")
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

    /// Nothing of it rests on what was done while the machine ran.
    private func isTheSameAfterABoot(_ fleet: MachineFleet) throws {
        let boot = try fleet.kernel("/proc/sys/kernel/random/boot_id")
        _ = try fleet.onHost("systemctl --no-block reboot")
        try fleet.waitForBoot(after: boot)
        #expect(try fleet.stateAfterBoot() == "running\n")
        try holds(fleet)
        let check = try fleet.muster("check", "-v")
        #expect(check.status == 0, "\(check.text)")
        #expect(check.text.contains("9.2.1 on disk and in memory"), "\(check.text)")
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

    private func isPutBack(_ fleet: MachineFleet, _ fresh: [String: String]) throws {
        let site = """
            - hosts: all
              roles:
                - {role: cpu_isolation, state: absent}
                - {role: low_latency, state: absent}
                - {role: hugepages, state: absent, nodes: {"0": 16, "1": 64}}
                - {role: nic_tuning, state: absent}
                - role: openonload
                  state: absent
                  packages:
                    - name: openonload-user
                    - name: openonload-modules-{{ facts.kernel.release }}
                - {role: vendor_packages, state: absent}
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
            "/sys/module/sfc/notes/.note.gnu.build-id",
        ]
        var state: [String: String] = [:]
        for file in files { state[file] = try fleet.onHost("cat \(file)") }
        state["systemd's CPUs"] = try fleet.onHost("grep Cpus_allowed_list: /proc/1/status")
        state["sfc on disk"] = try fleet.onHost("modinfo -n sfc")
        state["files"] = try fleet.onHost(
            "find /etc /usr/local /boot -newer /proc/1 -o -name '*muster*' | grep muster | sort")
        state["the menu"] = try fleet.onHost("grep -E '^\\s*(menuentry|linux)' /boot/grub/grub.cfg")
        return state
    }
}
