import Linux
import TestSupport
import Testing

/// OpenOnload on a real kernel, by modules that bear its names: installed, upgraded on disk, refused
/// while in use, exchanged, and lost to a tool that fails half way.
extension MachineTests {
    private var program: String { "sleep" }

    /// Installed, upgraded on disk under a running program, refused while used, exchanged.
    @Test func onload() throws {
        try phase("onload", .topology) { fleet in
            try isInstalled(fleet)
            try refusesWhileInUse(fleet)
            try isExchanged(fleet)
        }
    }

    /// A tool that fails half way, a reboot, and away with it.
    @Test func onloadKept() throws {
        try phase("onloadKept", .topology) { fleet in
            try isInstalled(fleet)
            try declare("9.2.1", fleet)
            let upgrade = try fleet.muster("apply", "--yes")
            #expect(upgrade.status == 1, "\(upgrade.text)")
            try survivesATool(fleet)
            try isExchanged(fleet)
            let boot = try fleet.kernel("/proc/sys/kernel/random/boot_id")
            _ = try fleet.onHost("systemctl --no-block reboot")
            try fleet.waitForBoot(after: boot)
            #expect(try fleet.stateAfterBoot() == "running\n")
            try keptOnload(fleet)
        }
    }

    private func isInstalled(_ fleet: MachineFleet) throws {
        let packages = try fleet.script(["onload"], seconds: 600)
        try #require(packages.succeeded, "\(packages.errorText)")
        let folder = String(packages.outputText.filter { $0 != "\n" })
        let role = fleet.folder.path("fleet/Roles/openonload")
        let copied = try ProcessRunner.run(
            ProgramCall(
                "/bin/sh",
                [
                    "-c",
                    "rm -rf \"$2\" && cp -aL \"$1\" \"$2\" && mkdir -p \"$2/files\" && cp \"$3\"/*.deb \"$2/files/\"",
                    "sh", "\(Repository.root)/Roles/openonload", role, folder,
                ]))
        try #require(copied.succeeded, "\(copied.errorText)")
        try declare("9.0.2", fleet)
        // The kernel's own sfc is loaded from the initramfs, as with a card.
        let install = try fleet.muster("apply", "--yes", "--max-disruption", "module_reload")
        #expect(install.status == 0, "\(install.text)")
        for line in [
            "+ package openonload-user   version (on disk) none → 9.0.2-1",
            "modules.onload (running) none → 9.0.2",
        ] {
            #expect(install.text.contains(line), "\(line)\n\(install.text)")
        }
        #expect(try fleet.kernel("/sys/module/sfc/version") == "6.1.0.1009")
        #expect(try fleet.kernel("/sys/module/sfc/parameters/performance_profile") == "latency")
        #expect(try fleet.onHost("stat -c %a /dev/onload") == "660\n")
        #expect(try fleet.onHost("ethtool -i sfc0").contains("driver: sfc"))
        expect(try fleet.muster("check"), endedWith: 0)
    }

    private func declare(_ version: String, _ fleet: MachineFleet) throws {
        let kernel = try fleet.onHost("uname -r").filter { $0 != "\n" }
        let site = """
            - hosts: all
              roles:
                - role: openonload
                  version: "\(version)"
                  node: 1
                  packages:
                    - name: openonload-user
                      source: openonload-user_\(version)-1_amd64.deb
                    - name: openonload-modules-\(kernel)
                      source: openonload-modules-\(kernel)_\(version)-1_amd64.deb
                  options: {sfc.performance_profile: latency, onload.epoll_max_stacks: "64"}
                  sysconfig: {ONLOAD_MODE: "660"}
                  accelerated: [\(program)]
                  profiles:
                    feed-latency: {imports: [latency], settings: {EF_INT_DRIVEN: "0"}}
            """
        try fleet.write("Inventory/site.yaml", site)
    }

    /// A package upgraded by hand under a running program: every skew is told, and nothing is touched.
    private func refusesWhileInUse(_ fleet: MachineFleet) throws {
        _ = try fleet.onHost(
            "LD_PRELOAD=libonload.so setsid \(program) 100000 >/dev/null 2>&1 </dev/null & sleep 2")
        let pid = try fleet.onHost("pgrep -x \(program)").filter { $0 != "\n" }
        #expect(try fleet.onHost("cat /proc/driver/onload/stacks_ul").contains(": \(pid) 0 "))
        #expect(try fleet.muster("check", "-v").text.contains("1 process accelerated"))
        try declare("9.2.1", fleet)
        let refused = try fleet.muster("apply", "--yes", "--max-disruption", "module_reload")
        #expect(refused.status == 1, "\(refused.text)")
        for line in [
            "~ package openonload-user   version (on disk) 9.0.2-1 → 9.2.1-1",
            "! onload openonload   failed: used by \(program) (\(pid))",
            "[user-driver-mismatch, critical]", "[reload-pending, warning]",
            "[old-library, warning]", "[stale-initramfs, warning]",
        ] {
            #expect(refused.text.contains(line), "\(line)\n\(refused.text)")
        }
        #expect(try fleet.kernel("/sys/module/onload/version").hasPrefix("9.0.2"))
        #expect(try fleet.onHost("ls /sys/class/net").contains("sfc0"))
        // One that starts now is not accelerated, and its status does not say so.
        #expect(
            try fleet.onHost(
                "LD_PRELOAD=libonload.so sh -c 'grep -c . /proc/driver/onload/stacks_ul'")
                == "1\n")
        let check = try fleet.muster("check")
        #expect(check.status == 2 && check.text.contains("module_reload"), "\(check.text)")
        _ = try fleet.onHost("kill \(pid); sleep 1")
    }

    /// The vendor's tool fails when sfc is out already: it is loaded again, and the port is back.
    private func survivesATool(_ fleet: MachineFleet) throws {
        _ = try fleet.onHost(
            "mv /sbin/onload_tool /sbin/onload_tool.real; printf '#!/bin/sh\\nmodprobe -r sfc\\n"
                + "echo onload_tool: ERROR: could not unload all drivers >&2\\nexit 1\\n' >/sbin/onload_tool; "
                + "chmod 755 /sbin/onload_tool")
        let index = try fleet.kernel("/sys/class/net/sfc0/ifindex")
        let failed = try fleet.muster("apply", "--yes", "--max-disruption", "module_reload")
        #expect(failed.status == 1, "\(failed.text)")
        #expect(
            failed.text.contains("sfc had been unloaded, and was loaded again; ports back: sfc0"),
            "\(failed.text)")
        #expect(try fleet.kernel("/sys/class/net/sfc0/ifindex") != index, "sfc was never out")
        _ = try fleet.onHost("mv /sbin/onload_tool.real /sbin/onload_tool")
    }

    private func isExchanged(_ fleet: MachineFleet) throws {
        let apply = try fleet.muster("apply", "--yes", "--max-disruption", "module_reload")
        #expect(apply.status == 0, "\(apply.text)")
        #expect(apply.text.contains("modules.onload (running) 9.0.2 → 9.2.1"), "\(apply.text)")
        let again = try fleet.muster("apply", "--yes", "--max-disruption", "module_reload")
        #expect(again.text.contains("No changes."), "\(again.text)")
        try isWhole(fleet)
    }

    private func isWhole(_ fleet: MachineFleet) throws {
        #expect(
            try fleet.onHost("cat /proc/driver/onload/version").contains("onload_version: 9.2.1 "))
        for module in ["onload", "sfc_char", "sfc_resource", "sfc"] {
            // The id at the end of the note is in the file, or another module is.
            let id = try fleet.onHost(
                "tail -c 20 /sys/module/\(module)/notes/.note.gnu.build-id | od -An -v -tx1 | tr -d ' \\n'"
            )
            let count = try fleet.onHost(
                "od -An -v -tx1 $(modinfo -n \(module)) | tr -d ' \\n' | grep -c \(id)")
            #expect(
                id.utf8.count == 40 && count == "1\n", "\(module) in memory is not that on disk")
        }
        #expect(try fleet.kernel("/sys/module/onload/parameters/epoll_max_stacks") == "64")
        #expect(try fleet.onHost("stat -c %a /dev/onload") == "660\n")
        let check = try fleet.muster("check", "-v")
        #expect(check.status == 0, "\(check.text)")
        #expect(check.text.contains("9.2.1 on disk and in memory"), "\(check.text)")
    }

    /// After a reboot the same, with nothing done: and then away with it.
    private func keptOnload(_ fleet: MachineFleet) throws {
        try declare("9.2.1", fleet)
        try isWhole(fleet)
        let site = "- {hosts: all, roles: [{role: openonload, state: absent}]}"
        try fleet.write("Inventory/site.yaml", site)
        let undo = try fleet.muster("apply", "--yes", "--max-disruption", "module_reload")
        #expect(undo.status == 0, "\(undo.text)")
        #expect(try fleet.onHost("lsmod | grep -cE '^(onload|sfc_char|sfc_resource) '") == "0\n")
        #expect(
            try fleet.onHost("ls -d /etc/*/*muster-onload* /etc/udev/rules.d/*onload* 2>/dev/null")
                == "")
    }
}
