import FleetModel
import Glibc
import Linux
import TestSupport
import Testing

extension Kind {
    /// Whether it is about the kernel that runs, and its boot.
    var isOfTheKernel: Bool {
        switch self {
        case .kernelCmdline, .cpuIsolation, .smt, .ksm, .hugepages, .workqueue, .cpuPower,
            .transparentHugepages, .kernelModule, .irqAffinity, .irqbalance, .nic, .onload,
            .onloadProfile, .network, .nicFirmware, .ptp:
            true
        default: false
        }
    }
}

/// Resources of every kind on a real host: applied, applied again, changed by hand, mended.
@Suite("Every kind on a real host", .serialized, .timeLimit(.minutes(10)))
struct HostKindsTests {
    @Test func areAppliedOnceAndThenAsDeclared() throws {
        let lab = try LabScript(name: "tk\(getpid())")
        defer { lab.takeDown() }
        #expect(try lab.run(["up", "1"]).succeeded)
        let fleet = try LabFleet("host_kinds", on: lab)
        let deb = try lab.run([
            "exec", "\(lab.name)-1", "--", "cat",
            "/srv/muster-packages/muster-demo-tool_2.0_all.deb",
        ]).output
        try LocalMachine().replaceFile(
            fleet.folder.path("fleet/Roles/host_kinds/files/tool.deb"), content: deb, mode: 0o644,
            uid: 0, gid: 0)
        expect(try fleet.muster("ping", "--accept-new"), endedWith: 0)

        let first = try fleet.muster("apply", "--yes")
        try #require(first.status == 0, "\(first.text)")
        #expect(first.text.contains("handler host_kinds/restart_feed"))
        try expectHostIsSo(fleet)

        let second = try fleet.muster("apply", "--yes", "-v")
        #expect(second.status == 0, "\(second.text)")
        #expect(second.text.contains("No changes."), "\(second.text)")
        for reason in [
            "service lab-feed   no change: active (running), enabled",
            "service lab-absent   no change: no such unit, so it neither runs nor starts",
            "service muster-demo   no change: inactive, disabled",
            "package muster-demo   no change: 1.0-1 is installed, held",
            "package_repository lab-flat   no change: same entry, its lists are there",
            "user labtrader   no change: uid 3105, groups as declared, same entry",
            "ConditionVirtualization=!container",
            "ptp system   not applicable: services cannot set the clock here",
            "sysctl net.core.somaxconn   no change: running 8192, persisted by /etc/sysctl.d/",
            "command create the marker of the lab   no change: ",
        ] {
            #expect(second.text.contains(reason), "\(reason)\n\(second.text)")
        }
        // Every kind there is was used, and nothing of it is without a reason; those of the kernel
        // are proven in the virtual machine, since a container has none of its own.
        for kind in Kind.allCases where !kind.isOfTheKernel {
            #expect(second.text.contains("\n    = \(kind.rawValue) "), "\(kind)\n\(second.text)")
        }
        expect(try fleet.muster("check"), endedWith: 0)
        try mendsWhatWasChangedByHand(fleet)
    }

    private func expectHostIsSo(_ fleet: LabFleet) throws {
        for (command, expected) in [
            ("systemctl is-active lab-feed lab-inst@a", "active\nactive\n"),
            ("systemctl show -p Nice --value lab-feed", "3\n"),
            ("systemctl is-enabled lab-feed lab-clock lab-masked", "enabled\nenabled\nmasked\n"),
            ("dpkg-query -W -f '${Version} ${Status}' muster-demo", "1.0-1 hold ok installed"),
            ("dpkg-query -W -f '${Version}' muster-demo-tool", "2.0"),
            ("ls -A /var/lib/muster/packages", ""),
            (
                "id labtrader",
                "uid=3105(labtrader) gid=3105(labtrader) groups=3105(labtrader),3107(labgroup)\n"
            ),
            (
                "stat -c '%U %a' ~labtrader/.ssh ~labtrader/.ssh/authorized_keys",
                "labtrader 700\nlabtrader 600\n"
            ),
            ("getent hosts lab-peer", "192.0.2.7       lab-peer.example.net lab-peer\n"),
            (
                "grep -v '^#' /etc/resolv.conf",
                "nameserver 192.0.2.53\nsearch example.net\noptions timeout:1\n"
            ),
            ("wc -l < ~labtrader/.ssh/authorized_keys", "2\n"),
        ] {
            #expect(try fleet.onHost(command) == expected, "\(command)")
        }
    }

    private func mendsWhatWasChangedByHand(_ fleet: LabFleet) throws {
        _ = try fleet.onHost(
            """
            systemctl stop lab-feed; systemctl enable --quiet muster-demo; apt-mark unhold muster-demo
            mkdir /etc/systemd/system/lab-inst@.service.d
            printf '[Service]\\nNice=9\\n' >/etc/systemd/system/lab-inst@.service.d/x.conf
            usermod -s /bin/sh labtrader; chmod g+w ~labtrader/.ssh/authorized_keys
            """)
        let drift = try fleet.muster("check")
        #expect(drift.status == 2, "\(drift.text)")
        for found in [
            "~ service lab-feed   state (running) inactive → started",
            "~ service muster-demo   enabled true → false",
            "~ package muster-demo   hold false → true",
            "~ unit lab-inst@.service   loaded", "~ user labtrader   shell /bin/sh → /bin/bash",
            "~ authorized_key alice@laptop   mode 0620 → 0600",
        ] {
            #expect(drift.text.contains(found), "\(found)\n\(drift.text)")
        }
        let mended = try fleet.muster("apply", "--yes")
        #expect(mended.status == 0, "\(mended.text)")
        expect(try fleet.muster("check"), endedWith: 0)
    }
}
