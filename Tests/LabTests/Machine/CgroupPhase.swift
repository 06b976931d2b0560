import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

extension MachineTests {
    /// Isolation by other means than the kernel's command line.
    @Test func cgroup() throws {
        try phase("cgroup", .topology) { fleet in try holdsByTheOtherMeans(fleet) }
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
        try fleet.write("Roles/extras/role.yaml", role)
        try fleet.write("Inventory/site.yaml", site)
        try fleet.write("Inventory/settings.yaml", "limits: {reboot: 5s}")
        let boot = try fleet.kernel("/proc/sys/kernel/random/boot_id")
        let late = try fleet.muster("apply", "--yes", "--max-disruption", "reboot")
        #expect(late.status == 1, "\(late.text)")
        for line in [
            "cannot reach the host after its reboot: it did not come back within 5 s",
            "hint: look at its console.",
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
}
