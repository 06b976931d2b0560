import Linux

/// A command that runs in a child process: either the system's ssh, or the command itself.
@TransportLoop
final class ProcessChannel: RemoteChannel {
    private static let pieceSize = 16 * 1024
    private static let errorLimit = 8 * 1024

    private let child: ChildProcess
    private let deadline: Deadline?
    private let error: (TransportError.Kind) -> TransportError
    /// Interprets the end of the process: ssh reports its own failures like those of the command.
    private let judge: (RemoteExit, [UInt8]) -> TransportError?
    private var errors: [UInt8] = []
    private var hasEnded = false
    private var isClosed = false

    init(
        _ child: ChildProcess, deadlineSeconds: Double?, errors: [UInt8] = [],
        error: @escaping (TransportError.Kind) -> TransportError,
        judge: @escaping (RemoteExit, [UInt8]) -> TransportError? = { _, _ in nil }
    ) {
        self.child = child
        self.errors = errors
        self.error = error
        self.judge = judge
        deadline = deadlineSeconds.map { Deadline(in: $0) }
    }

    package var standardError: [UInt8] {
        readErrors()
        return errors
    }

    package func write(_ bytes: [UInt8]) async throws(TransportError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            try checkOpen()
            guard let n = child.write(rest) else {
                // The end of the process tells why; a command that only stopped reading is not an
                // error of ours.
                throw failureAtEnd
                    ?? error(.connectionLost(.run, reason: "the command no longer reads its input"))
            }
            rest = rest.dropFirst(n)
            if n == 0 { try await wait() }
        }
    }

    package func closeInput() { child.closeInput() }

    package func read() async throws(TransportError) -> [UInt8]? {
        while !hasEnded {
            try checkOpen()
            readErrors()
            guard let piece = child.readOutput(Self.pieceSize) else {
                try await wait()
                continue
            }
            if !piece.isEmpty { return piece }
            hasEnded = true
        }
        return nil
    }

    package func finish() async throws(TransportError) -> RemoteExit {
        closeInput()
        while try await read() != nil {}
        while true {
            try checkOpen()
            readErrors()
            if let exit = child.exit {
                if let failure = failureAtEnd { throw failure }
                return exit
            }
            try await wait()
        }
    }

    /// Ends the process.
    func close() {
        isClosed = true
        child.kill()
    }

    private var failureAtEnd: TransportError? {
        readErrors()
        return child.exit.flatMap { judge($0, errors) }
    }

    private func checkOpen() throws(TransportError) { if isClosed { throw error(.closed) } }

    private func wait() async throws(TransportError) {
        switch await child.changed.wait(until: deadline?.instant) {
        case .notified: return
        case .timedOut:
            close()
            throw error(.timedOut(.run, seconds: deadline?.seconds ?? 0))
        case .cancelled:
            close()
            throw error(.cancelled)
        }
    }

    private func readErrors() {
        while let piece = child.readErrors(4096), !piece.isEmpty {
            errors.append(contentsOf: piece)
            if errors.count > Self.errorLimit { errors.removeFirst(errors.count - Self.errorLimit) }
        }
    }
}
