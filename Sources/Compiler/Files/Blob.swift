import Wire

/// Bytes that a plan references by digest: the content of a file, a package, a secret.
package struct Blob: Sendable, Equatable {
    /// Where the bytes are.
    package enum Source: Sendable, Equatable {
        /// In memory: rendered templates, inline content, secrets.
        case bytes([UInt8])
        /// In a file of the fleet directory, read when it is sent.
        case file(String)
    }

    package let digest: Digest
    /// In bytes.
    package let size: Int
    package let source: Source
    /// Whether the bytes must never be shown, logged or stored in plain text.
    package let isSecret: Bool

    package init(bytes: [UInt8], isSecret: Bool) {
        digest = Digest(of: bytes)
        size = bytes.count
        source = .bytes(bytes)
        self.isSecret = isSecret
    }

    package init(file: String, digest: Digest, size: Int) {
        self.digest = digest
        self.size = size
        source = .file(file)
        isSecret = false
    }

    /// The bytes; a file that no longer has the digest of the plan is a fault.
    package func load(from files: FleetFiles) throws(FleetFileFault) -> [UInt8] {
        switch source {
        case .bytes(let bytes): return bytes
        case .file(let path):
            let bytes = try files.read(path)
            guard Digest(of: bytes) == digest else {
                throw .unreadable("the file has changed since the plan was compiled")
            }
            return bytes
        }
    }
}
