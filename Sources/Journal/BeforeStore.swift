import FleetModel
import Glibc
import Linux
import Wire

/// Contents that changes replaced, by digest.
package struct BeforeStore: Sendable {
    private let state: StateDirectory

    package init(_ state: StateDirectory) { self.state = state }

    private func path(of digest: Digest) -> String { state.before + "/" + digest.description }

    /// Keeps a content; durable on return.
    package func keep(_ content: [UInt8]) throws(AgentFault) -> Digest {
        let digest = Digest(of: content)
        let path = path(of: digest)
        if let status = try? LocalMachine().status(path, followLinks: false),
            status.size == Int64(content.count)
        {
            return digest
        }
        try state.replace(path, content)
        return digest
    }

    /// A content kept before; verified against its digest.
    package func content(_ digest: Digest) throws(AgentFault) -> [UInt8] {
        let path = path(of: digest)
        guard let bytes = try state.read(path, limit: 1 << 31) else {
            throw AgentFault("lost", "read \(path)", cause: "it is not there")
        }
        guard Digest(of: bytes) == digest else {
            throw AgentFault(
                "damaged", "read \(path)", cause: "its content does not match its name")
        }
        return bytes
    }
}
