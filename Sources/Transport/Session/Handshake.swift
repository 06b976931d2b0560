import CSSH2

extension Session {
    /// Exchanges keys over the attached link.
    func handshake(timeoutSeconds: Double) async throws(TransportError) {
        let deadline = Deadline(in: timeoutSeconds)
        let result: Int
        do {
            result = try await call(.keyExchange, until: deadline) { raw in
                Int(libssh2_session_handshake(raw, self.descriptor))
            }
        } catch {
            // Which of the two steps it hung in is known only now.
            if case .timedOut = error.kind, greeting.identification == nil {
                throw self.error(.timedOut(.banner, seconds: timeoutSeconds))
            }
            throw error
        }
        if result != 0 { throw handshakeFailure(result) }
        greeting.forget()
    }

    private func handshakeFailure(_ result: Int) -> TransportError {
        guard greeting.identification != nil else {
            let said = greeting.said
            // The wording of sshd and of the TCP wrappers is free; what is no greeting is shown.
            if result == Int(LIBSSH2_ERROR_BANNER_RECV) { return error(.notSSH(text: said)) }
            return error(.bannerRefused(text: said))
        }
        let isNegotiation =
            result == Int(LIBSSH2_ERROR_KEX_FAILURE)
            || result == Int(LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE)
            || result == Int(LIBSSH2_ERROR_METHOD_NONE)
        if isNegotiation, let raw,
            let (kind, offered, ours) = greeting.algorithms?.missing(
                ours: OurAlgorithms(of: raw))
        {
            return error(.noCommonAlgorithm(kind, offered: offered, ours: ours))
        }
        return failure(result, .keyExchange)
    }
}

extension OurAlgorithms {
    /// What a session of the library could negotiate.
    @TransportLoop
    init(of session: OpaquePointer) {
        func names(_ kind: Int32) -> [String] {
            var list: UnsafeMutablePointer<UnsafePointer<CChar>?>?
            let count = libssh2_session_supported_algs(session, kind, &list)
            guard count > 0, let list else { return [] }
            defer { libssh2_free(session, list) }
            return (0..<Int(count)).compactMap { list[$0].map { String(cString: $0) } }
        }
        keyExchange = names(LIBSSH2_METHOD_KEX)
        hostKey = names(LIBSSH2_METHOD_HOSTKEY)
        cipher = names(LIBSSH2_METHOD_CRYPT_CS)
        mac = names(LIBSSH2_METHOD_MAC_CS)
    }
}
