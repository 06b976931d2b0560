import FleetModel
import Presentation
import Testing
import Views
import Wire

@Suite struct RunTextTests {
    private func resource(
        _ kind: Kind, _ name: String, _ outcome: ResourceReport.Outcome, reason: String = "r",
        _ changes: [Change] = [], fault: AgentFault? = nil
    ) -> ResourceView {
        ResourceView(
            PlannedResource(
                address: "role/\(kind.rawValue):\(name)", kind: kind, name: name),
            ResourceReport(
                address: "", outcome: outcome, reason: reason, changes: changes, fault: fault),
            origin: "Roles/role/role.yaml:3")
    }

    private var swappiness: ResourceView {
        let source = "/etc/sysctl.d/99-vendor.conf:3"
        return resource(
            .sysctl, "vm.swappiness", .wouldChange, reason: "differs",
            [
                Change("value", layer: .running, before: "60", after: "10"),
                Change("value", layer: .persisted, before: "60", after: "10", source: source),
            ])
    }

    /// What was not heard is not called nothing.
    @Test func whatIsNotKnownIsNotCalledNoChanges() {
        let hosts = [
            HostView(host: "newc-1", outcome: .asDeclared),
            HostView(host: "newc-2", outcome: .unknown),
        ]
        let text = RunText().render(RunView(id: "7f3a91c2", verb: "apply", hosts: hosts))
        #expect(
            text.hasSuffix(
                "Hosts: 1 as declared, 1 unknown. The result of 1 host is not known: "
                    + "muster resume 7f3a91c2.\n"))
        #expect(text.contains("newc-2  not known"))
        #expect(!text.contains("No changes"))
    }

    @Test func groupsHostsOutliersFirst() throws {
        var hosts = (1...9).map { HostView(host: "ld4-md00\($0)", outcome: .asDeclared) }
        for index in 2...4 {
            hosts[index].outcome = .differs
            hosts[index].resources = [swappiness]
        }
        let run = RunView(
            id: "7f3a91c2", verb: "plan", hosts: hosts, compileMicroseconds: 300_000,
            runMicroseconds: 2_100_000)
        let expected = """
            Plan 7f3a91c2   9 hosts   compiled in 300 ms, read in 2.1 s
              3 hosts    ld4-md[003-005]  differs
                ~ sysctl vm.swappiness   running 60 → 10   persisted 60 → 10   (set by \
            /etc/sysctl.d/99-vendor.conf:3)
              6 hosts    ld4-md[001,002,006-009]  as declared
            Hosts: 6 as declared, 3 differs. 3 changes. Disruption: none. No reboot.

            """
        #expect(RunText().render(run) == expected)
        #expect(try RunText().render(run.json) == expected)
    }

    /// Hosts whose faults differ in names alone are one group; any other difference is one to see.
    @Test(
        arguments: [
            ("the worker exited with status #", ["1", "2"], 2),
            ("it took longer than # seconds", ["10", "600"], 2),
            ("the module is # and 9.2.1 is declared", ["9.1.0", "9.2.0"], 2),
            ("a frame of the unknown type #", ["7", "9"], 2),
            ("#: connection refused", ["10.0.0.1:22", "10.0.0.2:22"], 1),
            ("no route to [#]:22", ["fe80::1", "fe80::2%eth0"], 1),
            ("no answer from #", ["srv-01.ld4.example", "srv-02.ld4.example"], 1),
            ("no answer from #", ["md1.ld4", "md2.ld4"], 1),
            ("its key is # (ed25519)", ["SHA256:abc/1", "SHA256:Abd+2"], 1),
            ("plan # was applied", ["7f3a91c2", "8f3a91c2"], 1),
            ("process # (since 2026-11-21T05:30:00Z) applies", ["4711", "4712"], 1),
        ])
    func foldsFaults(_ cause: String, _ words: [String], _ groups: Int) {
        let hosts = words.enumerated().map { index, word in
            let said = cause.split(separator: "#", omittingEmptySubsequences: false)
            return HostView(
                host: "md\(index + 1)", outcome: .failed,
                fault: AgentFault("x", "do it", cause: said.joined(separator: word)))
        }
        let text = RunText().render(RunView(id: "1", verb: "check", hosts: hosts))
        #expect(text.split(separator: "\n").count { $0.contains(" host") } == groups + 1, "\(text)")
    }

    /// A name that is part of another word, or of another name, is no name.
    @Test func aHostsNameIsFoundAsAWhole() {
        func lines(_ causes: [String]) -> Int {
            let hosts = causes.enumerated().map { index, cause in
                HostView(
                    host: ["a", "b"][index], outcome: .failed,
                    fault: AgentFault("x", "do it", cause: cause))
            }
            let text = RunText().render(RunView(id: "1", verb: "check", hosts: hosts))
            return text.split(separator: "\n").count { $0.contains("!") }
        }
        #expect(lines(["a: cannot start", "b: cannot start"]) == 1)
        #expect(lines(["no carrier", "no bearer"]) == 2)
    }

    /// What a reboot has to do with a run is said once, at its end.
    @Test func theFooterTellsOfReboots() {
        let now = Change("nohz_full", layer: .running, before: nil, after: "2", disruption: .reboot)
        let kept = Change("nohz_full", before: nil, after: "2")
        func footer(_ verb: String, _ resources: ResourceView..., fault: AgentFault? = nil)
            -> String
        {
            let host = HostView(
                host: "h", outcome: .differs, resources: resources, fault: fault)
            let text = RunText().render(RunView(id: "1", verb: verb, hosts: [host]))
            return String(text.split(separator: "\n").last ?? "")
        }
        let wanted = resource(.kernelCmdline, "x", .wouldChange, [kept, now])
        #expect(
            footer("plan", wanted)
                == "Hosts: 1 differs. 1 change. Disruption: 1 reboot. One reboot "
                + "for all of them, and only with --max-disruption reboot.")
        let cold = Change("fw", layer: .running, before: "1", after: "2", disruption: .powerCycle)
        #expect(
            footer("apply", resource(.nicFirmware, "x", .pending, [cold]))
                == "Hosts: 1 differs. No changes. Power cycle pending on 1 host: "
                + "switch it off and on by hand.")
        let waiting = resource(.kernelCmdline, "x", .pending, [now])
        #expect(
            footer("apply", waiting) == "Hosts: 1 differs. No changes. Reboot pending on 1 host: "
                + "apply with --max-disruption reboot.")
        #expect(
            footer("apply", waiting, fault: AgentFault("no-return", "reach it", cause: "gone"))
                == "Hosts: 1 differs. No changes.")
        // It was told to reboot: only that it came back is not known.
        let done = resource(.sysctl, "y", .changed, [Change("value", before: "1", after: "2")])
        #expect(
            footer(
                "apply", done, waiting, fault: AgentFault("no-return", "reach it", cause: "gone"))
                == "Hosts: 1 differs. 1 change. Disruption: none.")
        #expect(
            footer("apply", done)
                == "Hosts: 1 differs. 1 change. Disruption: none. No reboot.")
    }

    /// One line where what runs and what is kept change alike; findings stand below their resource.
    @Test func layersAndFindings() {
        var both = resource(
            .kernelCmdline, "x", .wouldChange,
            [
                Change("a", before: nil, after: "1"), Change("b", before: "0", after: "1"),
                Change("a", layer: .running, before: nil, after: "1", disruption: .reboot),
                Change("b", layer: .running, before: "2", after: "1", disruption: .reboot),
            ])
        both.findings = [HostFinding("other-manager", "tuned is active too")]
        let host = HostView(host: "h", outcome: .differs, resources: [both])
        let text = RunText().render(RunView(id: "1", verb: "plan", hosts: [host]))
        #expect(
            text.contains(
                "    ~ kernel_cmdline x   a none → 1   b (persisted) 0 → 1   b (running) 2 → 1   reboot\n"
                    + "        finding: tuned is active too   [other-manager, warning]\n"),
            "\(text)")
    }

    @Test func everyOutcomeHasItsLine() {
        let fault = AgentFault(
            "no-space", "write /etc/motd", cause: "disk full", hint: "free space")
        let secret: JSON = ["secret": .string(Digest(of: []).description)]
        let host = HostView(
            host: "h", outcome: .failed,
            resources: [
                resource(.file, "/a", .asDeclared, reason: "same content"),
                resource(
                    .file, "/new", .changed,
                    [
                        Change("state", before: "absent", after: "present"),
                        Change(
                            "content", before: nil,
                            after: ["sha256": .string(Digest(of: [1]).description), "size": 1]),
                        Change("mode", before: nil, after: "0644"),
                    ]),
                resource(
                    .user, "u", .wouldChange, [Change("password", before: nil, after: secret)]),
                resource(.service, "s", .dependsOnEarlier, reason: "no unit s"),
                resource(.sysctl, "x.y", .notApplicable, reason: "no such kernel parameter"),
                resource(.command, "c", .unknown, reason: "the check ran out of time"),
                resource(.unit, "w", .pending, reason: "daemon-reload needed"),
                resource(.file, "/etc/motd", .failed, reason: fault.text, fault: fault),
                resource(.file, "/b", .skipped, reason: "role/file:/etc/motd failed"),
            ],
            handlers: [
                HandlerReport(address: "role/restart", outcome: .pending, reason: "since run 12")
            ],
            end: RunEnd(
                cpuMicroseconds: 1, cpus: "0", residentBytes: 1, wallMicroseconds: 1,
                orphans: ["role/file:/old"], stopped: "asked to stop"))
        let text = RunText(showsEverything: true).render(
            RunView(id: "1", verb: "apply", hosts: [host]))
        let expected = """
            Apply 1   1 host   compiled in 0.0 ms, applied in 0.0 ms
              1 host    h  failed   (1 as declared, 1 not applicable)
                = file /a   no change: same content
                + file /new   content 1 bytes sha256:4bf5122f   mode 0644
                ~ user u   password none → (secret e3b0c442)
                ? service s   depends on an earlier change: no unit s
                - sysctl x.y   not applicable: no such kernel parameter
                ? command c   not known: the check ran out of time
                > unit w   pending: daemon-reload needed
                ! file /etc/motd   failed: cannot write /etc/motd: disk full
                    hint: free space
                    declared at Roles/role/role.yaml:3
                ! file /b   skipped: role/file:/etc/motd failed
                > handler role/restart   pending: since run 12
                stopped: asked to stop
                orphaned: role/file:/old   applied earlier, no longer declared; left as it is
            Hosts: 1 failed. 2 changes. Disruption: none. No reboot.

            """
        #expect(text == expected)
    }

    @Test func runViewsComeBackFromTheirJSON() throws {
        let host = HostView(
            host: "h", outcome: .differs, plan: Digest(of: [1]), resources: [swappiness],
            notices: ["n"], timings: ["connect": 5])
        let run = RunView(id: "1", verb: "plan", hosts: [host], notices: ["x"])
        #expect(try RunView(json: JSON(parsing: run.json.canonicalBytes)) == run)
    }

    @Test(
        arguments: [
            (["a1"], "a1"), (["a1", "a2"], "a[1,2]"), (["a1", "a2", "a3", "b"], "a[1-3],b"),
            (["md001.x", "md002.x", "md003.x", "md010.x"], "md[001-003,010].x"),
            (["md9", "md10", "md11"], "md[9-11]"), (["10.0.0.1"], "10.0.0.1"), ([], ""),
        ] as [([String], String)])
    func foldsNames(names: [String], folded: String) {
        #expect(HostNameFolding.fold(names) == folded)
    }

    @Test func diffsShowContextAndAreBounded() {
        let before = (1...20).map { "line \($0)" }.joined(separator: "\n") + "\n"
        let after = before.split(separator: "\n").map { $0 == "line 10" ? "line ten" : String($0) }
            .joined(separator: "\n")
        #expect(
            ContentDiff.lines(from: before, to: after, context: 1)
                == ["@@ line 9 @@", " line 9", "-line 10", "+line ten", " line 11"])
        #expect(ContentDiff.lines(from: "", to: before, limit: 5).last == "… 15 more lines")
    }

    @Test func progressOnATerminalIsOneLine() {
        var progress = ProgressLine(isTerminal: true, isVerbose: false)
        #expect(progress.take(.began(verb: "check", hosts: 4), at: 0) == "")
        _ = progress.take(.hostStarted("a"), at: 0)
        _ = progress.take(.hostStarted("b"), at: 0)
        let text = progress.take(.hostEnded("a", .failed), at: 2)
        #expect(text == "\r\u{1B}[Kcheck 1/4, 1 failed, about 6.0 s left, waiting for b")
        #expect(progress.take(.hostEnded("b", .asDeclared), at: 2.05) == "")
    }

    @Test func progressElsewhereIsPlainLines() {
        var progress = ProgressLine(isTerminal: false, isVerbose: false)
        #expect(progress.take(.began(verb: "check", hosts: 2), at: 0) == "check: 2 hosts\n")
        #expect(progress.take(.hostEnded("a", .asDeclared), at: 1) == "")
        #expect(progress.take(.hostEnded("b", .unreachable), at: 1) == "check: 2/2 b unreachable\n")
        #expect(progress.take(.ended, at: 3) == "check: 2/2 done in 3.0 s\n")
    }
}
