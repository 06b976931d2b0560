import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

extension MachineTests {
    @Test func entries() throws {
        try phase("entries", .plain) { fleet in try editsBootEntries(fleet) }
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
}
