/// A connection through libssh2.
@TransportLoop
final class SessionConnection: RemoteConnection {
    let way = SSHTarget.Way.libssh2
    let notices: [String]
    private let session: Session
    private var timer: StepTimer
    private var places: [Permit]

    init(_ opened: SessionOpener.Opened, _ place: Permit) {
        session = opened.session
        timer = opened.steps
        notices = opened.notices
        places = [place, opened.place].compactMap { $0 }
    }

    package var steps: [ConnectionStep] { timer.steps }

    package func execute(
        _ command: HostCommand
    ) async throws(TransportError) -> any RemoteChannel {
        timer.begin()
        do {
            // A connection that is silent in its key exchange is retried once. This host has logged us in
            // and is only busy: waiting twice as long does the same without a second login.
            let channel = try await SessionChannel.start(
                command, on: session, openTimeoutSeconds: 2 * session.target.connectTimeoutSeconds)
            timer.end("exec")
            return channel
        } catch {
            if case .timedOut = error.kind { session.close() }
            throw error
        }
    }

    package func close() {
        session.close()
        places = []
    }

    isolated deinit { session.close() }
}
