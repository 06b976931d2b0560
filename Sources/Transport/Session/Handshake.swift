import CSSH2

extension Session {
    /// Exchanges keys over the attached link; prefers host keys of the known types.
    func handshake(
        knownTypes: [String], timeoutSeconds: Double
    ) async throws(TransportError) {
        guard let raw, let ours = OurAlgorithms.all else { throw error(.closed) }
        let preferences: [(Int32, [String])] = [
            (LIBSSH2_METHOD_KEX, ours.keyExchange),
            (LIBSSH2_METHOD_HOSTKEY, ours.hostKey(knownTypes: knownTypes)),
            (LIBSSH2_METHOD_CRYPT_CS, ours.cipher), (LIBSSH2_METHOD_CRYPT_SC, ours.cipher),
            (LIBSSH2_METHOD_MAC_CS, ours.mac), (LIBSSH2_METHOD_MAC_SC, ours.mac),
        ]
        for (kind, names) in preferences {
            let result = libssh2_session_method_pref(raw, kind, names.joined(separator: ","))
            if result != 0 { throw failure(Int(result), .keyExchange) }
        }
        let deadline = Deadline(in: timeoutSeconds)
        let result: Int
        do {
            result = try await call(.keyExchange, until: deadline) { raw in
                Int(libssh2_session_handshake(raw, self.descriptor))
            }
        } catch {
            // Only now is it known in which of the two steps it hung.
            if case .timedOut = error.kind, greeting.identification == nil {
                throw self.error(.timedOut(.banner, seconds: timeoutSeconds))
            }
            throw error
        }
        if result != 0 { throw handshakeFailure(result) }
        greeting.forget()
    }

    /// Waits for the server's first bytes; false if none arrived in time.
    ///
    /// Most servers send their greeting first. A server that waits for our greeting is not treated
    /// as silent here: the handshake shows it.
    func greets(withinSeconds seconds: Double) async throws(TransportError) -> Bool {
        let deadline = Deadline(in: seconds)
        while isOpen, !hasInput {
            do throws(TransportError) {
                try await waitForActivity(.banner, until: deadline)
            } catch {
                if case .timedOut = error.kind { return false }
                throw error
            }
        }
        return true
    }

    private func handshakeFailure(_ result: Int) -> TransportError {
        guard greeting.identification != nil else {
            let said = greeting.said
            // sshd and the TCP wrappers may send any text; a text that is not a greeting is shown.
            if result == Int(LIBSSH2_ERROR_BANNER_RECV) { return error(.notSSH(text: said)) }
            return error(.bannerRefused(text: said))
        }
        let isNegotiation =
            result == Int(LIBSSH2_ERROR_KEX_FAILURE)
            || result == Int(LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE)
            || result == Int(LIBSSH2_ERROR_METHOD_NONE)
        if isNegotiation, let all = OurAlgorithms.all,
            let (kind, offered, ours) = greeting.algorithms?.missing(ours: all)
        {
            return error(.noCommonAlgorithm(kind, offered: offered, ours: ours))
        }
        return failure(result, .keyExchange)
    }
}
