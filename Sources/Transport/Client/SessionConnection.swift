/// A connection by libssh2.
@TransportLoop
final class SessionConnection: RemoteConnection {
    let way = SSHTarget.Way.libssh2
    private let session: Session
    private var timer: StepTimer
    private(set) var notices: [String] = []

    init(_ session: Session, _ timer: StepTimer) {
        self.session = session
        self.timer = timer
    }

    package var steps: [ConnectionStep] { timer.steps }

    package func execute(
        _ command: HostCommand
    ) async throws(TransportError) -> any RemoteChannel {
        timer.begin()
        do {
            let channel = try await SessionChannel.start(
                command, on: session, openTimeoutSeconds: session.target.connectTimeoutSeconds)
            timer.end("exec")
            return channel
        } catch {
            if case .timedOut = error.kind { session.close() }
            throw error
        }
    }

    package func close() { session.close() }
}
