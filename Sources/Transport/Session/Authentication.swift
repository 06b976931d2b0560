import CSSH2

/// Makes signatures for a key that is being offered.
protocol Signer: Sendable {}

extension Session {
    /// Logs in with the target's key files.
    func authenticate(as user: String, timeoutSeconds: Double) async throws(TransportError) {
        let deadline = Deadline(in: timeoutSeconds)
        var tried: [String] = []
        for file in target.identityFiles {
            let result = try await call(.authentication, until: deadline) { raw in
                Int(
                    libssh2_userauth_publickey_fromfile_ex(
                        raw, user, UInt32(user.utf8.count), nil, file, nil))
            }
            if result == 0 {
                isAuthenticated = true
                return
            }
            tried.append(file)
        }
        throw error(.authenticationFailed(user: user, tried: tried, accepted: []))
    }
}
