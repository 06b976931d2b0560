import FleetModel
import Glibc
import Kinds
import Linux
import Resources
import TestSupport
import Testing
import Wire

/// Kinds of paths on this machine, in directories of their own.
///
/// Needs root.
@Suite(.timeLimit(.minutes(1))) struct RealMachineTests {
    private let machine = LocalMachine()
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func run(_ program: String, _ arguments: String...) throws {
        let result = try ProcessRunner.run(ProgramCall(program, arguments))
        try #require(result.succeeded, "\(program): \(result.errorText)")
    }

    /// A small file system of its own at a path, unmounted afterwards.
    private func withFileSystem(at path: String, options: String, _ body: () throws -> Void) throws
    {
        try machine.makeDirectory(path, mode: 0o755, uid: 0, gid: 0)
        try run("/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", path)
        defer { _ = try? ProcessRunner.run(ProgramCall("/bin/umount", ["--lazy", path])) }
        try body()
    }

    @Test func aFileIsMadeKeptAndMended() throws {
        let path = folder.path("feed.conf")
        let file = try BehaviourRun(
            file: path, content: bytes("a\n"),
            ["mode": "0640", "owner": "nobody", "owner_group": "0"], on: machine)
        try file.apply()
        let status = try machine.status(path, followLinks: false)
        #expect(status.mode == 0o640 && status.uid == 65534 && status.gid == 0)
        #expect(
            try file.difference() == .asDeclared("same content, mode 0640, owner nobody:0"))

        try machine.setMode(path, 0o666)
        try file.apply()
        #expect(try machine.status(path, followLinks: false).mode == 0o640)
        // The inode stays: nothing was written to mend a mode.
        #expect(try machine.status(path, followLinks: false).inode == status.inode)
        #expect(try machine.list(folder.path) == ["feed.conf"])
    }

    @Test func aLargeFileIsComparedInPieces() throws {
        let path = folder.path("large")
        var content = [UInt8](repeating: 7, count: 3 << 20)
        try BehaviourRun(file: path, content: content, on: machine).apply()
        content[content.count - 1] = 8
        let other = try BehaviourRun(file: path, content: content, on: machine)
        guard case .changes = try other.difference() else {
            Issue.record("the last byte differs and was not seen")
            return
        }
        try other.apply()
        #expect(try other.difference() == .asDeclared("same content"))
    }

    @Test func aProgramValidatesTheCandidateItself() throws {
        let path = folder.path("sudoers")
        let validate: JSON = ["/bin/grep", "-q", "good", "%s"]
        try BehaviourRun(file: path, content: bytes("good\n"), ["validate": validate], on: machine)
            .apply()
        let bad = try BehaviourRun(
            file: path, content: bytes("bad\n"), ["validate": validate], on: machine)
        #expect(
            bad.faultOfApply()
                == "cannot put new content into \(path): /bin/grep exited with status 1")
        #expect(try machine.read(path, limit: 100) == bytes("good\n"))
        #expect(try machine.list(folder.path) == ["sudoers"])
    }

    @Test func aFullDiskLeavesTheOldFile() throws {
        let directory = folder.path("small")
        try withFileSystem(at: directory, options: "size=64k") {
            let path = directory + "/data"
            let old = [UInt8](repeating: 1, count: 20_000)
            try BehaviourRun(file: path, content: old, on: machine).apply()
            let new = [UInt8](repeating: 2, count: 60_000)
            let file = try BehaviourRun(file: path, content: new, on: machine)
            #expect(file.faultOfApply() == "cannot write \(path): No space left on device")
            #expect(try machine.read(path, limit: 100_000) == old)
            #expect(try machine.list(directory) == ["data"])
        }
    }

    @Test func aReadOnlyFileSystemIsSaid() throws {
        let directory = folder.path("fixed")
        try withFileSystem(at: directory, options: "size=64k") {
            let path = directory + "/data"
            try BehaviourRun(file: path, content: bytes("old"), on: machine).apply()
            try run("/bin/mount", "-o", "remount,ro", directory)
            let file = try BehaviourRun(
                file: path, content: bytes("new"), ["mode": "0600"], on: machine)
            #expect(file.faultOfApply() == "cannot write \(path): Read-only file system")
            #expect(try machine.read(path, limit: 100) == bytes("old"))
        }
    }

    @Test func aPurgeStopsBeforeAMount() throws {
        let directory = folder.path("feed.d")
        try machine.makeDirectory(directory, mode: 0o755, uid: 0, gid: 0)
        try withFileSystem(at: directory + "/disk", options: "size=64k") {
            let purge = try BehaviourRun(
                DirectoryBehaviour.self, directory, ["purge": true], on: machine)
            #expect(
                purge.faultOfApply()
                    == "cannot purge the directory \(directory): something is mounted on \(directory)/disk"
            )
        }
    }

    @Test func aPurgeTakesTreesAndLeavesWhatLinksLeadTo() throws {
        let directory = folder.path("feed.d")
        try run("/bin/mkdir", "-p", directory + "/sub/deep")
        try folder.write("outside", "kept")
        try folder.write("feed.d/sub/deep/file", "x")
        try machine.replaceLink(directory + "/sub/link", target: folder.path("outside"))
        try machine.replaceLink(directory + "/upwards", target: "..")
        let purge = try BehaviourRun(
            DirectoryBehaviour.self, directory, ["purge": true], on: machine)
        try purge.apply()
        #expect(try machine.list(directory) == [])
        #expect(try folder.read("outside") == "kept")
        #expect(try purge.difference() == .asDeclared("exists, no undeclared entries"))
    }

    @Test func aLinkIsMovedAndRemoved() throws {
        let path = folder.path("current")
        for target in ["releases/1", "releases/2"] {
            let link = try BehaviourRun(
                SymlinkBehaviour.self, path, ["target": .string(target)], on: machine)
            try link.apply()
            #expect(try link.difference() == .asDeclared("points to \(target)"))
        }
        let gone = try BehaviourRun(SymlinkBehaviour.self, path, ["state": "absent"], on: machine)
        try gone.apply()
        #expect(try gone.difference() == .asDeclared("not there"))
    }

    @Test func aLineLeavesOtherBytesAsTheyAre() throws {
        let path = folder.path("odd.conf")
        let before: [UInt8] = bytes("k = 1\r\n") + [0xFF, 0xFE, 0x00, 0x0A] + bytes("last")
        try machine.replaceFile(path, content: before, mode: 0o604, uid: 0, gid: 4)
        let line = try BehaviourRun(
            LineBehaviour.self, "k", ["path": .string(path), "match": "^k *=", "text": "k = 2"],
            on: machine)
        try line.apply()
        let expected: [UInt8] = bytes("k = 2\n") + [0xFF, 0xFE, 0x00, 0x0A] + bytes("last\n")
        #expect(try machine.read(path, limit: 1000) == expected)
        let status = try machine.status(path, followLinks: false)
        #expect(status.mode == 0o604 && status.gid == 4)
    }

    @Test func aCommandRunsAsItsUser() throws {
        let directory = folder.path("nobody")
        try machine.makeDirectory(directory, mode: 0o777, uid: 0, gid: 0)
        try machine.setMode(folder.path, 0o755)
        let made = directory + "/made"
        let command = try BehaviourRun(
            CommandBehaviour.self, "make it",
            [
                "check": ["/usr/bin/test", "-e", .string(made)],
                "run": ["/usr/bin/touch", .string(made)], "run_as": "nobody",
            ], on: machine)
        try command.apply()
        #expect(try machine.status(made, followLinks: false).uid == 65534)
        #expect(try command.difference() == .asDeclared("the check exited with status 0"))
    }

    @Test func aCheckThatHangsIsNoAnswer() throws {
        let command = try BehaviourRun(
            CommandBehaviour.self, "hang",
            ["check": ["/bin/sleep", "60"], "run": ["/bin/true"], "timeout": .number(0.1)],
            on: machine)
        #expect(try command.difference() == .unknown("the check /bin/sleep ran out of time"))
    }

    /// A copy of a machine: real files for /proc and /etc below a root of its own.
    @Test func aParameterIsSetAndPersisted() throws {
        try run("/bin/mkdir", "-p", folder.path("proc/sys/vm"), folder.path("etc/sysctl.d"))
        try folder.write("proc/sys/vm/swappiness", "60\n")
        let copy = LocalMachine(root: folder.path)
        let sysctl = try BehaviourRun(
            SysctlBehaviour.self, "vm.swappiness", ["value": "10"], on: copy)
        try sysctl.apply()
        #expect(try folder.read("proc/sys/vm/swappiness") == "10\n")
        #expect(
            try sysctl.difference()
                == .asDeclared("running 10, persisted by /etc/sysctl.d/90-muster.conf:3"))
    }

    @Test func accountsAreThoseOfGetent() throws {
        let accounts = try Accounts(on: machine)
        let listed = try ProcessRunner.run(ProgramCall("/usr/bin/getent", ["passwd"]))
        for line in listed.outputText.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false).map(
                String.init)
            #expect(accounts.uid(of: fields[0]) == UInt32(fields[2]))
            #expect(accounts.primaryGroup(of: fields[0]) == UInt32(fields[3]))
            #expect(accounts.home(of: fields[0]) == fields[5])
        }
        #expect(listed.outputText.hasPrefix("root:"))
    }
}
