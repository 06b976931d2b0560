import Linux
import TestSupport
import Testing

@Suite struct MountTableTests {
    private static let text = """
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro
        23 22 0:21 / /mnt/a\\040b\\134c rw,nosuid,noexec - tmpfs my\\011disk rw
        24 22 0:22 / /mnt/\\043\\9 ro shared:2 master:1 - xfs /dev/vdb rw
        short line
        25 22 0:23 / /mnt/cut ro
        """

    @Test func readsMountinfoAsTheKernelEscapesIt() {
        let mounts = MountTable(parsing: Array(Self.text.utf8)).mounts
        #expect(mounts.map(\.path) == ["/", "/mnt/a b\\c", "/mnt/#\\9", "/mnt/cut"])
        #expect(mounts.map(\.options).first == ["rw", "relatime"])
        #expect(mounts.map(\.type) == ["ext4", "tmpfs", "xfs", ""])
        #expect(mounts.map(\.device) == ["/dev/vda", "my\tdisk", "/dev/vdb", ""])
        #expect(mounts.map(\.superOptions).first == ["rw", "errors=remount-ro"])
    }

    /// A path need not be UTF-8; as text it is repaired, as bytes it is what the kernel says.
    @Test func aPathIsBytes() {
        let line = Array("22 1 0:1 / /mnt/".utf8) + [0xff] + Array(" rw - ext4 /dev/vda rw\n".utf8)
        let mount = MountTable(parsing: line).mounts.first
        #expect(mount?.pathBytes == Array("/mnt/".utf8) + [0xff])
        #expect(mount?.path == "/mnt/\u{fffd}")
    }

    @Test(arguments: ["a\\04", "\\", "\\+12", "\\-00", "\\789"])
    func whatIsNoEscapeStays(text: String) {
        #expect(MountTable.unescaped(text) == text)
    }

    @Test func readsTheTableOfThisProcess() throws {
        #expect(try MountTable.ofThisProcess(on: LocalMachine()).mounts.contains { $0.path == "/" })
        #expect(try MountTable.ofThisProcess(on: FakeMachine()).mounts.isEmpty)
    }
}
