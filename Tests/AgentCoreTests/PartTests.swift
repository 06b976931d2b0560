import FleetModel
import Glibc
import Kinds
import Linux
import TestSupport
import Testing
import Wire

@testable import AgentCore

@Suite("Housekeeping CPUs")
struct HousekeepingTests {
    private func chosen(_ files: [String: String], started: [Int] = Array(0..<8)) -> String {
        let machine = FakeMachine()
        machine.put("/sys/devices/system/cpu/online", text: "0-7\n")
        for (path, text) in files { machine.put(path, text: text) }
        return Housekeeping(machine: machine, original: CPUList(started)).chosen.text
    }

    @Test(
        "none is isolated, in every form the kernel prints that",
        arguments: [
            "\n", "\0\n", "               (null)\n", String(repeating: " ", count: 96) + "\n", "",
        ])
    func none(_ text: String) {
        #expect(CPUList(kernelText: text)?.numbers == [])
        #expect(chosen(["/sys/devices/system/cpu/nohz_full": text]) == "0-7")
    }

    @Test("outside isolated and nohz_full CPUs")
    func isolated() {
        #expect(
            chosen([
                "/sys/devices/system/cpu/isolated": "2-5\n",
                "/sys/devices/system/cpu/nohz_full": "4-7\n",
            ]) == "0-1")
    }

    @Test("outside isolated cpusets, as kernels of three ages tell them")
    func cpusets() {
        let group = "/sys/fs/cgroup"
        #expect(chosen([group + "/cpuset.cpus.isolated": "3,5\n"]) == "0-2,4,6-7")
        #expect(
            chosen([
                group + "/cgroup.subtree_control": "cpu cpuset memory\n",
                group + "/trading.slice/cpuset.cpus.partition": "isolated\n",
                group + "/trading.slice/cpuset.cpus": "4-7\n",
                group + "/broken.slice/cpuset.cpus.partition": "isolated invalid (empty)\n",
                group + "/broken.slice/cpuset.cpus": "1\n",
            ]) == "0-3")
        #expect(
            chosen([
                group + "/cpuset/user/cpuset.cpu_exclusive": "1\n",
                group + "/cpuset/user/cpuset.sched_load_balance": "0\n",
                group + "/cpuset/user/cpuset.cpus": "6-7\n",
            ]) == "0-5")
    }

    @Test("any online CPU that is free, where it was started on isolated ones alone")
    func startedOnIsolated() {
        let files = ["/sys/devices/system/cpu/isolated": "4-7\n"]
        #expect(chosen(files, started: [5, 6]) == "0-3")
        #expect(chosen(["/sys/devices/system/cpu/isolated": "0-7\n"], started: [5]) == "5")
    }

    @Test("the mask as the kernel takes it")
    func mask() {
        #expect(CPUList([0, 9]).affinityMask == [1, 2, 0, 0, 0, 0, 0, 0])
        #expect(CPUList([64]).affinityMask.count == 16)
        #expect(!CPUList.ofThisProcess.numbers.isEmpty)
    }
}

@Suite("Parts of the agent")
struct PartTests {
    @Test("a call reaches the launcher as it was made")
    func launcherRequest() throws {
        let call = ProgramCall(
            "/bin/x", ["a", "", "ü"], environment: ["A=b"], input: [0, 1, 2], directory: "/tmp",
            timeoutSeconds: 1.5, outputLimit: 77)
        guard case .run(let read) = try LauncherRequest(decoding: LauncherRequest.run(call).encoded)
        else {
            Issue.record("not a run")
            return
        }
        #expect(read == call)
        let bytes = LauncherRequest.run(call).encoded
        for length in 0..<bytes.count {
            #expect(throws: FieldError.self) {
                try LauncherRequest(decoding: Array(bytes.prefix(length)))
            }
        }
    }

    @Test(
        "a result comes back as it was",
        arguments: [
            ProgramResult.End.exited(3), .signalled(9), .timedOut, .tooMuchOutput,
        ])
    func launcherReply(_ end: ProgramResult.End) throws {
        let result = ProgramResult(end: end, output: [1, 0, 2], errorOutput: [])
        guard
            case .ended(let read) = try LauncherReply(decoding: LauncherReply.ended(result).encoded)
        else {
            Issue.record("not an end")
            return
        }
        #expect(read.end == end && read.output == [1, 0, 2])
    }

    private func line(
        _ counts: [ResourceReport.Outcome: Int], fault: AgentFault? = nil, by user: String = "a@b"
    ) -> RunLine {
        RunLine(
            request: RunRequest(
                mode: .apply, plan: Digest(of: []), runID: "r1", expiresAfterSeconds: 0,
                requestedBy: user),
            counts: counts, failedHandlers: 0, stopped: nil, fault: fault)
    }

    @Test("the host's log says who, what, with what result")
    func logLine() {
        #expect(
            line([.changed: 3, .asDeclared: 46]).message
                == "apply of plan e3b0c442 by a@b, run r1: 46 as declared, 3 changed")
        #expect(line([.changed: 3]).priority == 5)
        #expect(line([.asDeclared: 3]).priority == 6)
        #expect(line([.failed: 1]).priority == 3)
        let entry = String(
            decoding: RunLog.journalEntry(line([:], by: "x\nPRIORITY=0")), as: UTF8.self)
        #expect(entry.split(separator: "\n").filter { $0.hasPrefix("PRIORITY=") }.count == 1)
    }

    @Test("journald is told where it is, else syslog, else it is said that nobody was")
    func logSockets() throws {
        try withTemporaryDirectory { directory in
            let nowhere = RunLog(journal: directory + "/a", syslog: directory + "/b")
            #expect(nowhere.write(line([:]))?.contains("neither journald nor syslog") == true)
            let path = directory + "/journal"
            let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(socket) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try check(bound, "bind", path)
            for log in [
                RunLog(journal: path, syslog: directory + "/b"),
                RunLog(journal: directory + "/a", syslog: path),
            ] {
                #expect(log.write(line([.asDeclared: 2])) == nil)
                var buffer = [UInt8](repeating: 0, count: 4096)
                let n = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                let text = String(decoding: buffer.prefix(max(n, 0)), as: UTF8.self)
                #expect(text.contains("apply of plan e3b0c442 by a@b, run r1: 2 as declared"))
            }
        }
    }

    @Test("what a worker is at can be read by its supervisor")
    func activityBoard() {
        let board = ActivityBoard()
        #expect(board.text == "")
        board.publish(step: "observe 2 of kind file")
        #expect(board.text == "observe 2 of kind file")
        board.publish("read", "/etc/ü")
        #expect(board.text == "observe 2 of kind file: read /etc/ü")
        board.publish("read", String(repeating: "x", count: 5000))
        #expect(board.text.utf8.count < 600)
        board.publish(step: "next")
        #expect(board.text == "next")
    }
}
