import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

extension MachineTests {
    /// A provisioned host after a reboot that muster did not make, and put back to what it was.
    @Test func restore() throws {
        try phase("restore", .topology) { fleet in
            let fresh = try state(of: fleet)
            try isProvisioned(fleet)
            try isTheSameAfterABoot(fleet)
            try isPutBack(fleet, fresh)
        }
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
        expect(try fleet.muster("check"), endedWith: 0)
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
