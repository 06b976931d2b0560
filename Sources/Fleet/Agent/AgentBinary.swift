import CZlib
import Diagnostics
import Glibc
import Linux
import Wire

/// The agent for one architecture.
package struct AgentBinary: Sendable {
    /// As `uname -m` says it.
    package let architecture: String
    package let digest: Digest
    let path: String
}

/// Finds the agents beside this program or at `agent_path`, and reads each one once.
package final class AgentLibrary: Sendable {
    private let folder: String
    private let explicit: String?
    /// The architecture of the controller, which is tried first on every host.
    package let localArchitecture: String
    private let found = Cache<String, Result<AgentBinary, AgentMissing>>()
    private let compressed = Cache<String, Result<[UInt8], AgentMissing>>()

    /// - Parameters:
    ///   - explicit: `agent_path` of the settings: a file, or a folder of `muster-agent-ARCH`.
    ///   - folder: the folder this program lies in.
    package init(explicit: String?, folder: String, localArchitecture: String) {
        self.explicit = explicit
        self.folder = folder
        self.localArchitecture = localArchitecture
    }

    /// The agent for an architecture.
    package func agent(for architecture: String) throws(AgentMissing) -> AgentBinary {
        try found.value(for: architecture) { load(architecture) }.get()
    }

    /// The agent compressed by gzip, as it is sent; made once, when the first host needs it.
    package func compressed(_ agent: AgentBinary) throws(AgentMissing) -> [UInt8] {
        try compressed.value(for: agent.architecture) {
            guard let bytes = try? LocalMachine().read(agent.path, limit: Self.sizeLimit),
                Digest(of: bytes) == agent.digest, let compressed = Gzip.compress(bytes)
            else {
                return .failure(
                    AgentMissing(architecture: agent.architecture, lookedAt: [agent.path]))
            }
            return .success(compressed)
        }.get()
    }

    private static let sizeLimit = 256 << 20

    private func candidates(_ architecture: String) -> [String] {
        var paths: [String] = []
        for base in [explicit, folder].compactMap({ $0 }) {
            paths.append(PathName.join(base, "muster-agent-\(architecture)"))
            if architecture == localArchitecture {
                paths.append(PathName.join(base, "muster-agent"))
            }
        }
        if let explicit { paths.insert(explicit, at: 0) }
        return paths
    }

    private func load(_ architecture: String) -> Result<AgentBinary, AgentMissing> {
        let machine = LocalMachine()
        let paths = candidates(architecture)
        for path in paths {
            guard let status = try? machine.status(path, followLinks: true), status.type == .file,
                let bytes = try? machine.read(path, limit: Self.sizeLimit),
                Self.architecture(of: bytes) == architecture
            else { continue }
            return .success(
                AgentBinary(architecture: architecture, digest: Digest(of: bytes), path: path))
        }
        return .failure(AgentMissing(architecture: architecture, lookedAt: paths))
    }

    /// The architecture an ELF file is for, as `uname -m` names it; nil for anything else.
    static func architecture(of bytes: [UInt8]) -> String? {
        guard bytes.count > 20, bytes[0..<4].elementsEqual([0x7F, 0x45, 0x4C, 0x46]) else {
            return nil
        }
        switch UInt16(bytes[18]) | UInt16(bytes[19]) << 8 {
        case 62: return "x86_64"
        case 183: return "aarch64"
        default: return nil
        }
    }
}

/// No agent program for an architecture was found.
package struct AgentMissing: Error, Sendable, Equatable {
    package let architecture: String
    package let lookedAt: [String]

    package var cause: String {
        "no agent for \(architecture); looked at \(lookedAt.joined(separator: ", "))"
    }
    package var hint: String {
        "put muster-agent-\(architecture) beside muster, or name it by agent_path in settings.yaml"
    }
}

/// gzip (RFC 1952) by zlib.
enum Gzip {
    /// The compressed bytes; nil if memory ran out.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        // Adding 16 to the window bits requests a gzip header.
        guard
            deflateInit2_(
                &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        let capacity = Int(deflateBound(&stream, UInt(bytes.count)))
        return input.withUnsafeMutableBufferPointer { source -> [UInt8]? in
            var done = false
            let output = [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(capacity)
                done = deflate(&stream, Z_FINISH) == Z_STREAM_END
                count = capacity - Int(stream.avail_out)
            }
            return done ? output : nil
        }
    }
}
