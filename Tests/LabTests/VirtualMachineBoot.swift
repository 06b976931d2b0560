import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

extension VirtualMachineTests {
    /// The role time_sync: chrony, a configuration it refuses, and ptp4l in its place.
    func keepsTheTime(_ fleet: MachineFleet) throws {
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
    func editsBootEntries(_ fleet: MachineFleet) throws {
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
}
