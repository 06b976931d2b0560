/// The mounts of a process, from `/proc/PID/mountinfo` (proc_pid_mountinfo(5)).
package struct MountTable: Sendable, Equatable {
    /// One mount.
    package struct Mount: Sendable, Equatable {
        /// The mount point as the kernel reports it: bytes, which need not be UTF-8.
        package var pathBytes: [UInt8]
        /// Options of this mount: `ro`, `noexec`.
        package var options: [String]
        package var type = ""
        package var device = ""
        /// Options of the file system as a whole.
        package var superOptions: [String] = []

        package init(path: String, options: [String]) {
            pathBytes = Array(path.utf8)
            self.options = options
        }

        /// The path as text; invalid UTF-8 is replaced.
        package var path: String { String(decoding: pathBytes, as: UTF8.self) }
    }

    /// In the order of the file: a mount over another comes after it.
    package private(set) var mounts: [Mount] = []

    /// The mounts that this process sees; empty if /proc is not mounted.
    package static func ofThisProcess(on machine: any Machine) throws(SystemError) -> MountTable {
        do throws(SystemError) {
            let content = try machine.read("/proc/self/mountinfo", limit: 64 << 20)
            return MountTable(parsing: content)
        } catch {
            if error.isNotFound { return MountTable(parsing: []) }
            throw error
        }
    }

    /// Reads the table; incomplete lines are ignored.
    package init(parsing content: [UInt8]) {
        for line in content.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 5 else { continue }
            var mount = Mount(path: "", options: MountTable.list(fields[5]))
            mount.pathBytes = MountTable.unescaped(fields[4])
            // Optional fields end at a dash, which the type and device follow.
            if let dash = fields.firstIndex(of: [UInt8(ascii: "-")]), dash + 3 < fields.count {
                mount.type = MountTable.text(fields[dash + 1])
                mount.device = MountTable.text(fields[dash + 2])
                mount.superOptions = MountTable.list(fields[dash + 3])
            }
            mounts.append(mount)
        }
    }

    /// A field of mountinfo, mounts or fstab(5) with its escapes decoded.
    ///
    /// In these files, space, tab, newline, backslash and `#` are written as a backslash and three
    /// octal digits.
    package static func unescaped(_ field: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(field)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                rest.prefix(3).allSatisfy({ (0x30...0x37).contains($0) }),
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// The same for a field that is already text.
    package static func unescaped(_ field: some StringProtocol) -> String {
        String(decoding: unescaped(field.utf8), as: UTF8.self)
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: unescaped(field), as: UTF8.self)
    }

    private static func list(_ field: ArraySlice<UInt8>) -> [String] {
        field.split(separator: UInt8(ascii: ",")).map(text)
    }
}
