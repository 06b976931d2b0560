import FleetModel
import Glibc
import Linux
import SystemFaults
import Wire

/// The contents that changes replaced, by digest.
package struct BeforeStore: Sendable {
    private let state: StateDirectory

    package init(_ state: StateDirectory) { self.state = state }

    private func path(of digest: Digest) -> String { state.before + "/" + digest.description }

    /// Keeps a content; durable on return.
    package func keep(_ content: [UInt8]) throws(AgentFault) -> Digest {
        let digest = Digest(of: content)
        let path = path(of: digest)
        // Compares the bytes: a file with the right name and size may be damaged, and the content
        // it must restore is about to be replaced.
        if try isWhole(path, digest, content.count) { return digest }
        try state.replace(path, content)
        return digest
    }

    /// Whether a file exists and holds this content.
    private func isWhole(
        _ path: String, _ digest: Digest, _ size: Int
    ) throws(AgentFault) -> Bool {
        let machine = LocalMachine()
        do throws(SystemError) {
            guard let status = try machine.statusIfPresent(path), status.size == Int64(size) else {
                return false
            }
            var hasher = Digest.Hasher()
            try machine.read(path) { hasher.update($0) }
            return hasher.finish() == digest
        } catch {
            throw AgentFault("read \(path)", error)
        }
    }

    /// A content kept before; verified against its digest.
    package func content(_ digest: Digest) throws(AgentFault) -> [UInt8] {
        let path = path(of: digest)
        guard let bytes = try state.read(path, limit: 1 << 31) else {
            throw AgentFault("lost", "read \(path)", cause: "the file is missing")
        }
        guard Digest(of: bytes) == digest else {
            throw AgentFault(
                "damaged", "read \(path)", cause: "its content does not match its name")
        }
        return bytes
    }
}
