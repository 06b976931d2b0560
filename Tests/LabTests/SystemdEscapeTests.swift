import FleetModel
import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// What a check may not do to a real systemd, tried by the check programs of declared commands.
@Suite("A check on a host with systemd", .timeLimit(.minutes(5)))
struct SystemdEscapeTests {
    /// Each must fail.
    static let attempts = [
        "systemctl stop cron.service", "systemctl restart ssh.service",
        "systemd-run --wait /usr/bin/touch /etc/muster-escaped", "systemctl daemon-reload",
        "systemctl daemon-reexec", "systemctl kill ssh.service", "systemctl reboot",
        "systemctl enable cron.service", "systemctl mask cron.service",
        "systemctl set-property ssh.service CPUWeight=1", "hostnamectl set-hostname escaped",
        "loginctl terminate-user root",
        "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 "
            + "org.freedesktop.systemd1.Manager Reload",
    ]

    @Test("reads its units, and changes nothing of them")
    func escapes() throws {
        let lab = try LabScript(name: "es\(getpid())")
        defer { lab.takeDown() }
        #expect(try lab.run(["up", "1"]).succeeded)
        try install(on: lab)
        func command(_ name: String, _ line: String) -> PlannedResource {
            PlannedResource(
                address: "r/command:\(name)", kind: .command, name: name,
                attributes: [
                    "check": .strings(["/bin/sh", "-c", line]), "run": ["/bin/true"],
                    "timeout": 30,
                ])
        }
        let before = try onHost(lab, Self.picture)
        let plan = Plan(
            host: lab.name + "-1",
            resources: [
                command(
                    "show",
                    "systemctl show --property=ActiveState ssh | grep -qx ActiveState=active")
            ] + Self.attempts.map { command($0, "! (\($0)) > /dev/null 2>&1") })
        let reports = try check(plan, on: lab)
        #expect(reports.count == plan.resources.count)
        for report in reports {
            #expect(report.outcome == .asDeclared, "\(report.address): \(report.reason)")
        }
        #expect(try onHost(lab, Self.picture) == before)
        // The run is in the host's log: who, what, with what result.
        let log = try onHost(lab, "journalctl --identifier=muster-agent --output=cat")
        #expect(
            log.contains(
                "check of plan \(CompiledPlan(plan).digest.short) by tester@here, run r1: "))
    }

    /// What must be the same before and after.
    private static let picture =
        "systemctl show --property=ActiveState,MainPID,UnitFileState ssh.service cron.service; "
        + "systemctl show --property=UnitsLoadFinishTimestampMonotonic; hostname; ls -d /etc/m*"

    private func onHost(
        _ lab: LabScript, _ line: String, input: [UInt8] = []
    ) throws -> String {
        var call = lab.call(["exec", "\(lab.name)-1", "--", "sh", "-c", line])
        call.input = input
        call.outputLimit = 64 << 20
        return try ProcessRunner.run(call).outputText
    }

    private func install(on lab: LabScript) throws {
        let folder = PathName.parent(of: try LocalMachine().linkTarget("/proc/self/exe"))
        let agent = try LocalMachine().read(folder + "/muster-agent", limit: 256 << 20)
        let said = try onHost(
            lab, "cat > /root/agent; chmod 0700 /root/agent; /root/agent --version", input: agent)
        #expect(said.hasPrefix("muster-agent \(Version.current)"))
    }

    /// Runs one check through the agent on the host; its input stays open until it has answered.
    private func check(_ plan: Plan, on lab: LabScript) throws -> [ResourceReport] {
        let request = RunRequest(
            mode: .check, plan: CompiledPlan(plan).digest, runID: "r1",
            expiresAfterSeconds: 600, requestedBy: "tester@here")
        var frames: [UInt8] = []
        for piece in BlobPiece.pieces(
            of: plan.json.canonicalBytes, digest: CompiledPlan(plan).digest)
        {
            frames += Frame.blob(piece).encoded
        }
        frames += Frame.message(Request.run(request).json).encoded
        _ = try onHost(lab, "cat > /root/frames", input: frames)
        let line =
            "(cat /root/frames; n=0; until grep -q run_ended /root/out || [ $n = 600 ]; "
            + "do sleep 0.1; n=$((n+1)); done) | /root/agent serve > /root/out; cat /root/out"
        var call = lab.call(["exec", "\(lab.name)-1", "--", "sh", "-c", line])
        call.outputLimit = 64 << 20
        var reader = FrameReader(expectsPreamble: true)
        reader.append(try ProcessRunner.run(call).output)
        var reports: [ResourceReport] = []
        while let frame = try reader.next() {
            guard case .message(let json) = frame else { continue }
            switch try Reply(json: json) {
            case .resource(let report): reports.append(report)
            case .fault(let fault): Issue.record("\(fault.text)")
            default: break
            }
        }
        return reports
    }
}
