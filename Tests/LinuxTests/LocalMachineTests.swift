import CLinux
import Glibc
import Linux
import TestSupport
import Testing

/// What replacing a file keeps, and what it leaves behind.
///
/// Needs root.
@Suite struct LocalMachineTests {
    private let machine = LocalMachine()
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    /// `user::rw-, user:7:r--, group::---, mask::r--, other::---`, as acl(5) stores it.
    private static let accessList: [UInt8] = [
        2, 0, 0, 0,
        1, 0, 6, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        2, 0, 4, 0, 7, 0, 0, 0,
        4, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        16, 0, 4, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        32, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
    ]

    @Test func aReplacedFileKeepsItsAccessList() throws {
        let path = try folder.write("a", "old")
        let descriptor = try Descriptor.open(path, O_RDWR)
        let list = LocalMachineTests.accessList
        let name = "system.posix_acl_access"
        try #require(clinux_set_attribute(descriptor.number, name, list, list.count) == 0)
        let before = try machine.status(path, followLinks: false)

        try machine.replaceFile(
            path, content: Array("new".utf8), mode: before.mode, uid: before.uid, gid: before.gid)
        var found = [UInt8](repeating: 0, count: 100)
        let size = clinux_get_attribute(path, name, &found, found.count)
        #expect(Array(found.prefix(max(0, size))) == list)
        let after = try machine.status(path, followLinks: false)
        #expect(after.mode == before.mode && after.inode != before.inode)
    }

    @Test func aNameOfTheGreatestLengthCanBeReplaced() throws {
        for name in [String(repeating: "n", count: 255), String(repeating: "ä", count: 127)] {
            try machine.replaceFile(
                folder.path(name), content: [1], mode: 0o644, uid: 0, gid: 0)
            #expect(try machine.read(folder.path(name), limit: 10) == [1])
        }
        #expect(try machine.list(folder.path).count == 2)
    }

    @Test func nothingIsLeftOfAReplacementThatFails() throws {
        try machine.makeDirectory(folder.path("d"), mode: 0o755, uid: 0, gid: 0)
        #expect(throws: SystemError.self) {
            try machine.replaceFile(folder.path("d"), content: [1], mode: 0o644, uid: 0, gid: 0)
        }
        #expect(try machine.list(folder.path) == ["d"])
    }

    @Test func aKernelFileIsReadWhateverItsSize() throws {
        let text = try machine.textIfPresent("/proc/self/status") ?? ""
        #expect(text.hasPrefix("Name:"))
        #expect(try machine.status("/proc/self/status", followLinks: false).size == 0)
    }

    @Test func aCopyOfAMachineRunsNoPrograms() throws {
        #expect(throws: SystemError(call: "execve", object: "/bin/true", code: ENOENT)) {
            try LocalMachine(root: folder.path).run(ProgramCall("/bin/true"))
        }
    }
}
