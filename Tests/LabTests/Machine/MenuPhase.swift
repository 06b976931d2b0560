import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

extension MachineTests {
    /// A boot menu that cannot be made.
    @Test func menu() throws {
        try phase("menu", .topology) { fleet in try survivesABrokenMenu(fleet) }
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
}
