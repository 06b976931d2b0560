import CSSH2
import SSHConfig

extension Session {
    /// Checks the key that the host presented in the handshake; returns notices for the user.
    ///
    /// Throws for every key that must not be trusted; pins a new key if the target asks for that.
    func verifyHostKey(
        _ known: HostEntries, pinningIn store: KnownHostsStore
    ) async throws(TransportError) -> [String] {
        guard let raw else { throw error(.closed) }
        var length = 0
        var type: Int32 = 0
        guard let bytes = libssh2_session_hostkey(raw, &length, &type),
            let key = HostKey(
                blob: [UInt8](
                    UnsafeRawBufferPointer(start: UnsafeRawPointer(bytes), count: length)))
        else { throw error(.hostKeyUnverifiable(reason: "libssh2 does not report it")) }
        let name = TransportError.KeyName(key)
        switch known.verdict(on: key) {
        case .known: return []
        case .revoked(let line): throw error(.hostKeyRevoked(name, place: line.place))
        case .changed(let line):
            throw error(
                .hostKeyChanged(
                    old: TransportError.KeyName(line.key), new: name, place: line.place))
        case .unknown(let others):
            guard others.isEmpty, !known.needsCertificate else {
                if known.needsCertificate {
                    throw error(
                        .hostKeyUnverifiable(
                            reason: "it is known by a certificate authority, which libssh2 cannot "
                                + "check"))
                }
                throw error(
                    .hostKeyUnknown(name, otherTypesKnown: others.map { $0.key.type }))
            }
            switch target.strictHostKeyChecking {
            case .yes: throw error(.hostKeyUnknown(name, otherTypesKnown: []))
            case .no: return ["accepted the unknown host key \(name) without pinning it"]
            case .acceptNew:
                guard let file = target.knownHostsFiles.first else {
                    return [
                        "accepted the new host key \(name); there is no known_hosts file to pin it in"
                    ]
                }
                if let reason = await store.pin(key, as: known.name, in: file) {
                    return [
                        "accepted the new host key \(name), but could not pin it in \(file): \(reason)"
                    ]
                }
                return ["pinned the new host key \(name) of \(known.name) in \(file)"]
            }
        }
    }
}

extension TransportError.KeyName {
    init(_ key: HostKey) { self.init(type: key.type, fingerprint: key.fingerprint) }
}
