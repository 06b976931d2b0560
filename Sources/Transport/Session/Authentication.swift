import CSSH2
import Glibc
import Linux

/// Makes signatures for a key that is being offered.
@TransportLoop
protocol Signer {
    /// A signature with the named algorithm, without the algorithm's name; otherwise the reason why
    /// none can be made.
    func sign(_ data: [UInt8], algorithm: String) async -> Result<[UInt8], SignFailure>
    /// Whether a person may be involved at the moment, so that our deadlines must not apply.
    var waitsForPerson: Bool { get }
}

struct SignFailure: Error, Sendable {
    let reason: String
    /// The key file whose passphrase was not given.
    var lockedFile: String?
}

/// A key to offer.
@TransportLoop
struct Identity {
    let blob: [UInt8]
    /// The name for messages: the file, or the agent's comment.
    let name: String
    let signer: any Signer

    nonisolated static func type(of blob: [UInt8]) -> String {
        var reader = SSHReader(blob)
        return reader.text() ?? ""
    }

    var type: String { Self.type(of: blob) }
}

/// The signature that libssh2 waits for.
@TransportLoop
final class PendingSignature {
    private enum State {
        case idle, asked
        case done(Result<[UInt8], SignFailure>)
    }

    private let signer: any Signer
    private var state = State.idle

    init(_ signer: any Signer) { self.signer = signer }

    var waitsForPerson: Bool {
        if case .asked = state { return signer.waitsForPerson }
        return false
    }

    /// Why no signature came.
    var failure: SignFailure? {
        if case .done(.failure(let failure)) = state { return failure }
        return nil
    }

    /// The signature of the data; nil: not ready, and `onDone` will be called with the seconds that
    /// it took.
    func take(
        _ data: [UInt8], onDone: @escaping @TransportLoop (_ seconds: Double) -> Void
    ) -> Result<[UInt8], SignFailure>? {
        switch state {
        case .done(let result): return result
        case .asked: return nil
        case .idle:
            state = .asked
            let signer = signer
            let start = Clock.monotonicSeconds()
            Task { @TransportLoop in
                state = .done(
                    await signer.sign(data, algorithm: Self.algorithm(in: data) ?? ""))
                onDone(Clock.monotonicSeconds() - start)
            }
            return nil
        }
    }

    /// The algorithm named in the request to be signed (RFC 4252, 7).
    nonisolated static func algorithm(in data: [UInt8]) -> String? {
        var reader = SSHReader(data)
        guard reader.string() != nil, reader.byte() == 50, reader.string() != nil,
            reader.string() != nil, reader.string() != nil, reader.byte() != nil
        else { return nil }
        return reader.text()
    }
}

extension Session {
    /// Offers the keys one after another until the server accepts.
    ///
    /// `skipped`: keys that could not be offered, with the reasons, for the message.
    func authenticate(
        as user: String, with identities: [Identity], skipped: [String], until deadline: Deadline
    ) async throws(TransportError) {
        var tried = skipped
        for identity in identities {
            let pending = PendingSignature(identity.signer)
            pendingSignature = pending
            defer { pendingSignature = nil }
            let result = try await call(.authentication, until: deadline) { raw in
                identity.blob.withUnsafeBufferPointer { blob in
                    Int(
                        libssh2_userauth_publickey(
                            raw, user, blob.baseAddress, blob.count, signCallback, self.context))
                }
            }
            if result == 0 {
                isAuthenticated = true
                return
            }
            if let file = pending.failure?.lockedFile {
                throw error(.encryptedKeyNoPassphrase(file: file))
            }
            let name = "\(identity.name) (\(identity.type))"
            tried.append(pending.failure.map { "\(name): \($0.reason)" } ?? "\(name): refused")
            if isGone {
                // sshd closes the connection after a few keys.
                throw error(
                    .authenticationFailed(
                        user: user, tried: tried + [disconnectText].compactMap { $0 }, accepted: [])
                )
            }
        }
        let accepted = try await acceptedMethods(user, until: deadline)
        if isAuthenticated { return }
        throw error(.authenticationFailed(user: user, tried: tried, accepted: accepted))
    }

    /// The methods that the server accepts; some servers log everyone in at this request.
    private func acceptedMethods(
        _ user: String, until deadline: Deadline
    ) async throws(TransportError) -> [String] {
        var methods: [String] = []
        _ = try await call(.authentication, until: deadline) { raw in
            if let list = libssh2_userauth_list(raw, user, UInt32(user.utf8.count)) {
                methods = String(cString: list).split(separator: ",").map(String.init)
                return 0
            }
            if libssh2_userauth_authenticated(raw) == 1 {
                self.isAuthenticated = true
                return 0
            }
            return Int(libssh2_session_last_errno(raw))
        }
        return methods
    }

    fileprivate func sign(_ data: [UInt8]) -> Result<[UInt8], SignFailure>? {
        pendingSignature?.take(data) { [weak self] seconds in
            self?.signingSeconds += seconds
            self?.notify()
        }
    }
}

private let signCallback: cssh2_sign = { _, signature, length, data, dataLength, context in
    guard let session = Session.of(context), let data, let signature, let length else { return -1 }
    let message = [UInt8](UnsafeBufferPointer(start: data, count: dataLength))
    guard let result = TransportLoop.assumeIsolated({ session.sign(message) }) else {
        return LIBSSH2_ERROR_EAGAIN
    }
    guard case .success(let bytes) = result, let memory = malloc(max(1, bytes.count)) else {
        return -1
    }
    memory.copyMemory(from: bytes, byteCount: bytes.count)
    signature.pointee = memory.assumingMemoryBound(to: UInt8.self)
    length.pointee = bytes.count
    return 0
}
