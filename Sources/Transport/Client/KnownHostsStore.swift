import Glibc
import Linux
import SSHConfig

/// The known_hosts files of a run; each list of files is read once.
actor KnownHostsStore {
    private var read: [[String]: KnownHosts] = [:]

    /// The entries of the files for a host.
    func entries(for host: String, port: Int, files: [String]) -> HostEntries {
        known(files).entries(for: host, port: port)
    }

    /// Adds a key to a file, with a hashed name if the file's names are hashed; returns nil, or why
    /// it failed.
    func pin(_ key: HostKey, as name: String, in file: String) -> String? {
        let isHashed = known([file]).isHashed
        let line = KnownHosts.line(name, key, salt: isHashed ? Self.salt() : nil)
        do {
            try Self.append(line, to: file)
        } catch {
            return error.reason
        }
        for files in read.keys where files.contains(file) {
            read[files]?.add(line: line, place: file)
        }
        return nil
    }

    private func known(_ files: [String]) -> KnownHosts {
        if let known = read[files] { return known }
        var known = KnownHosts()
        for file in files {
            if let content = try? LocalMachine().read(file, limit: 64 << 20) {
                known.read(content, path: file)
            }
        }
        read[files] = known
        return known
    }

    /// Appends a line to a file with a single write.
    private static func append(_ line: String, to file: String) throws(SystemError) {
        let directory = PathName.parent(of: file)
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw SystemError(call: "mkdir", object: directory, code: errno)
        }
        let descriptor = try Descriptor.open(file, O_RDWR | O_CREAT | O_APPEND, mode: 0o600)
        let end = lseek(descriptor.number, 0, SEEK_END)
        var last: UInt8 = 10
        if end > 0 { pread(descriptor.number, &last, 1, end - 1) }
        try descriptor.writeAll(Array(((last == 10 ? "" : "\n") + line + "\n").utf8))
    }

    private static func salt() -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}
