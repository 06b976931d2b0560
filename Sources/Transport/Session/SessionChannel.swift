import CSSH2

/// A command that runs in a channel of a libssh2 session.
@TransportLoop
final class SessionChannel: RemoteChannel {
    /// The receive window; libssh2 buffers up to this and one read's worth for a slow reader.
    private static let window: UInt32 = 16 * 1024
    private static let pieceSize = 16 * 1024
    private static let errorLimit = 8 * 1024

    private let session: Session
    private let channel: OpaquePointer
    private let deadline: Deadline?
    private var errors: [UInt8] = []
    private var hasSentEnd = false
    private var hasEnded = false
    private var exit: RemoteExit?

    /// Starts a command in a new channel.
    static func start(
        _ command: HostCommand, on session: Session, openTimeoutSeconds: Double
    ) async throws(TransportError) -> SessionChannel {
        let opening = Deadline(in: openTimeoutSeconds)
        guard await session.opening.enter(until: opening.instant) else {
            session.close()
            throw session.error(.cancelled)
        }
        defer { session.opening.leave() }
        var opened: OpaquePointer?
        let result = try await session.call(.execute, until: opening) { raw in
            opened = cssh2_channel_open(raw, window, 32_768)
            return opened == nil ? Int(libssh2_session_last_errno(raw)) : 0
        }
        guard let opened else { throw session.failure(result, .execute) }
        let channel = SessionChannel(session, opened, command.deadlineSeconds)
        let answer = try await session.call(.execute, until: opening) { _ in
            command.command.utf8.withContiguousStorageIfAvailable { line in
                line.withMemoryRebound(to: CChar.self) {
                    Int(cssh2_channel_exec(opened, $0.baseAddress, UInt32($0.count)))
                }
            } ?? Int(LIBSSH2_ERROR_INVAL)
        }
        if answer != 0 {
            if answer == Int(LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
                || answer == Int(LIBSSH2_ERROR_CHANNEL_FAILURE)
            {
                throw session.error(.executeRefused(command: command.command))
            }
            throw session.failure(answer, .execute)
        }
        return channel
    }

    private init(_ session: Session, _ channel: OpaquePointer, _ deadlineSeconds: Double?) {
        self.session = session
        self.channel = channel
        deadline = deadlineSeconds.map { Deadline(in: $0) }
    }

    package var standardError: [UInt8] { errors }

    package func write(_ bytes: [UInt8]) async throws(TransportError) {
        var start = 0
        while start < bytes.count {
            try await session.waitUntilSent(.run, until: deadline)
            let n = try await call { _ in
                bytes.withUnsafeBytes { buffer in
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[start...])
                    let n = libssh2_channel_write_ex(
                        self.channel, 0, rest.baseAddress?.assumingMemoryBound(to: CChar.self),
                        min(rest.count, 65_536))
                    // 0 means that the peer's window is full; the peer's next message reopens it.
                    let result = n == 0 ? Int(LIBSSH2_ERROR_EAGAIN) : n
                    // A command that has ended no longer opens the window.
                    if result == Int(LIBSSH2_ERROR_EAGAIN) {
                        self.readErrors()
                        if self.isClosedByPeer { return Int(LIBSSH2_ERROR_CHANNEL_CLOSED) }
                    }
                    return result
                }
            }
            if n < 0 { throw session.failure(n, .run) }
            start += n
        }
        try await session.waitUntilSent(.run, until: deadline)
    }

    package func closeInput() async throws(TransportError) {
        guard !hasSentEnd else { return }
        let result = try await call { _ in Int(libssh2_channel_send_eof(self.channel)) }
        hasSentEnd = true
        // The command may have ended already; then there is no recipient.
        if result < 0, session.unsent > 0 { throw session.failure(result, .run) }
        try await session.waitUntilSent(.run, until: deadline)
    }

    package func read() async throws(TransportError) -> [UInt8]? {
        guard !hasEnded else { return nil }
        var piece: [UInt8] = []
        let result = try await call { _ in
            var n = 0
            var before: Int
            repeat {
                // Reading one stream may bring in bytes of the other, so both are read until they
                // are empty.
                before = self.session.received
                self.readErrors()
                piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { buffer, filled in
                    n = self.receive(0, buffer)
                    filled = max(0, n)
                }
            } while n == Int(LIBSSH2_ERROR_EAGAIN) && self.session.received != before
            if n > 0 || (n < 0 && n != Int(LIBSSH2_ERROR_EAGAIN)) { return n }
            return libssh2_channel_eof(self.channel) == 1 ? 0 : Int(LIBSSH2_ERROR_EAGAIN)
        }
        if result < 0 { throw session.failure(result, .run) }
        if result == 0 {
            hasEnded = true
            return nil
        }
        return piece
    }

    package func finish() async throws(TransportError) -> RemoteExit {
        if let exit { return exit }
        try await closeInput()
        while try await read() != nil {}
        // The exit status follows the end of the output, so wait for the server to close first.
        let result = try await call { _ in Int(libssh2_channel_wait_closed(self.channel)) }
        if result < 0 { throw session.failure(result, .run) }
        let exit = exitOfChannel()
        _ = try await call { _ in Int(libssh2_channel_free(self.channel)) }
        self.exit = exit
        return exit
    }

    private func call(
        _ operation: @TransportLoop (OpaquePointer) -> Int
    ) async throws(TransportError) -> Int {
        if exit != nil { throw session.error(.closed) }
        do {
            return try await session.call(.run, until: deadline, operation)
        } catch {
            // A command past its deadline is not waited for: the connection is closed.
            if case .timedOut = error.kind { session.close() }
            throw error
        }
    }

    private var isClosedByPeer: Bool {
        libssh2_channel_eof(channel) == 1 && libssh2_channel_wait_closed(channel) == 0
    }

    private func receive(_ stream: Int32, _ buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        buffer.withMemoryRebound(to: CChar.self) {
            libssh2_channel_read_ex(channel, stream, $0.baseAddress, $0.count)
        }
    }

    /// Both streams share one window: unread data of one would stop the other.
    ///
    /// The piece must have the same size as for the other stream: if a key exchange interrupts a
    /// window adjustment, libssh2 1.10 computes it again from the size of the next read, and drops
    /// data if the sizes differ.
    private func readErrors() {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.pieceSize) { buffer in
            while true {
                let n = receive(SSH_EXTENDED_DATA_STDERR, buffer)
                guard n > 0 else { return }
                errors.append(contentsOf: buffer[..<n])
                if errors.count > Self.errorLimit {
                    errors.removeFirst(errors.count - Self.errorLimit)
                }
            }
        }
    }

    private func exitOfChannel() -> RemoteExit {
        var name: UnsafeMutablePointer<CChar>?
        var length = 0
        libssh2_channel_get_exit_signal(channel, &name, &length, nil, nil, nil, nil)
        if let name, let raw = session.raw {
            defer { libssh2_free(raw, name) }
            return .signal(
                String(decoding: UnsafeRawBufferPointer(start: name, count: length), as: UTF8.self))
        }
        return .status(libssh2_channel_get_exit_status(channel))
    }
}
