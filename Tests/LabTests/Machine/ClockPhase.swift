import Glibc
import Linux
import TestSupport
import Testing

extension MachineTests {
    @Test func clock() throws {
        try phase("clock", .plain) { fleet in try keepsTheTime(fleet) }
    }

    /// The role time_sync: chrony and its source, a configuration it refuses, and ptp4l in its place;
    /// what they say of the clock, and what does not belong.
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
        _ = try fleet.onHost(Self.sources)

        try site("servers: [192.0.2.10], offset: 100ms")
        let first = try fleet.muster("apply", "--yes")
        #expect(first.text.contains("+ package chrony"), "\(first.text)")
        _ = try fleet.onHost("chronyc -n waitsync 50 0.1 0 2 >/dev/null")
        let stranger = try fleet.muster("check", "-v")
        #expect(stranger.status == 2, "\(stranger.text)")
        #expect(stranger.text.contains("[rival-process, critical]"), "\(stranger.text)")
        try site("servers: [192.0.2.10], offset: 100ms, allowed: [clock-server, clock-master]")
        let good = try fleet.muster("check", "-v")
        #expect(good.status == 0, "\(good.text)")
        #expect(good.text.contains("= ptp system   no change: chrony alone, "), "\(good.text)")
        try findsOldDaemons(fleet, site)

        try site("servers: [one two three], allowed: [clock-server, clock-master]")
        let refused = try fleet.muster("apply", "--yes")
        #expect(refused.status == 1, "\(refused.text)")
        #expect(refused.text.contains("Could not parse server directive"), "\(refused.text)")
        #expect(try fleet.onHost("grep ^server /etc/chrony/chrony.conf").contains("192.0.2.10"))
        #expect(try fleet.onHost("systemctl is-active chrony") == "active\n")
        try changesTheDiscipline(fleet, site)
    }

    /// A server that chrony and ptp4l can follow, in a network namespace of the machine: it has the
    /// machine's own clock and leaves it alone.
    private static let sources = """
        set -e
        ip netns add clock
        ip link add clock0 type veth peer name eth0 netns clock
        ip address add 192.0.2.1/24 dev clock0
        ip link set clock0 up
        ip -n clock address add 192.0.2.10/24 dev eth0
        ip -n clock link set eth0 up
        mkdir -p /run/clock
        cat >/run/clock/chrony.conf <<end
        local stratum 3
        allow 192.0.2.0/24
        cmdport 0
        bindcmdaddress /
        pidfile /run/clock/chronyd.pid
        end
        for name in server master; do
            case $name in
            server) start='/usr/sbin/chronyd -n -x -f /run/clock/chrony.conf' ;;
            master) start='/usr/sbin/ptp4l -S -i eth0' ;;
            esac
            # Neither program is there before the role brings it.
            cat >/run/systemd/system/clock-$name.service <<end
        [Unit]
        StartLimitIntervalSec=0
        [Service]
        ExecStart=/sbin/ip netns exec clock $start
        Restart=always
        RestartSec=2
        end
        done
        systemctl daemon-reload
        systemctl start --no-block clock-server clock-master
        """

    /// A program exchanged below the daemon, and a clock that is not as near as it is to be.
    private func findsOldDaemons(_ fleet: MachineFleet, _ site: (String) throws -> Void) throws {
        _ = try fleet.onHost(
            "cp /usr/sbin/chronyd /usr/sbin/chronyd.new && mv /usr/sbin/chronyd.new /usr/sbin/chronyd"
        )
        try site("servers: [192.0.2.10], offset: 1ns, allowed: [clock-server, clock-master]")
        let check = try fleet.muster("check")
        #expect(check.status == 2, "\(check.text)")
        for line in [
            "chrony.program (running) an earlier /usr/sbin/chronyd → the one on disk   service_restart",
            "off, more than the declared 1 ns   [clock-offset, critical]",
        ] {
            #expect(check.text.contains(line), "\(line)\n\(check.text)")
        }
        let before = try fleet.onHost("cat /run/chrony/chronyd.pid")
        let apply = try fleet.muster("apply", "--yes")
        #expect(apply.status == 0 || apply.status == 2, "\(apply.text)")
        #expect(try fleet.onHost("cat /run/chrony/chronyd.pid") != before)
        #expect(
            try fleet.onHost("readlink /proc/$(cat /run/chrony/chronyd.pid)/exe")
                == "/usr/sbin/chronyd\n")
    }

    /// The one goes when the other comes; what ptp4l writes to the journal counts.
    private func changesTheDiscipline(_ fleet: MachineFleet, _ site: (String) throws -> Void) throws
    {
        try site(
            "discipline: linuxptp, interface: clock0, offset: 1s, allowed: [clock-server, clock-master]"
        )
        let apply = try fleet.muster("apply", "--yes")
        #expect(apply.text.contains("chrony.state (running) active (running) → stopped"))
        #expect(
            try fleet.onHost("systemctl is-active chrony ptp4l@clock0 || true")
                == "inactive\nactive\n")
        #expect(try fleet.onHost("systemctl is-enabled chrony || true") == "disabled\n")
        #expect(
            try fleet.onHost("pmc -u -b 0 'GET DEFAULT_DATA_SET'").contains("slaveOnly"),
            "ptp4l does not answer")
        // It writes once in 64 seconds, and first finds the rate.
        let isWritten = "journalctl -u ptp4l@clock0 -o cat | grep -c rms"
        for _ in 0..<60 where try fleet.onHost(isWritten) == "0\n" { sleep(4) }
        let check = try fleet.muster("check", "-v")
        #expect(check.status == 0, "\(check.text)")
        #expect(
            check.text.contains("= ptp system   no change: ptp4l@clock0 alone, "), "\(check.text)")
    }
}
