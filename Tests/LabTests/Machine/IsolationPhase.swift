import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

extension MachineTests {
    /// A trading host from bare to isolated, with one reboot, proven by the kernel's own files.
    @Test func isolation() throws {
        try phase("isolation", .topology) { fleet in
            try showsWhatWouldBe(fleet)
            try isProvisioned(fleet)
            try holds(fleet)
            try changesNothingMore(fleet)
            try findsWhatDoesNotBelong(fleet)
        }
    }

    /// From bare to isolated, by one apply and one reboot.
    func isProvisioned(_ fleet: MachineFleet) throws {
        let apply = try fleet.muster("apply", "--yes", "--max-disruption", "reboot")
        try #require(apply.status == 0, "\(apply.text)")
        #expect(apply.text.contains("rebooted, and back after"), "\(apply.text)")
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

    func holds(_ fleet: MachineFleet) throws {
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
}
