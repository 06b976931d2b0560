import FleetModel
import Glibc
import Journal
import Linux
import Wire

/// One connection of a controller, from the hello to its end.
struct Session {
    let state: StateDirectory

    /// Serves requests until the controller ends it; gives the exit code.
    func serve() -> Int32 {
        let channel = FrameChannel(input: STDIN_FILENO, output: STDOUT_FILENO)
        channel.send(Frame.preamble)
        channel.send(.hello(Identity.hello()))
        var blobs = BlobIntake()
        do throws(AgentFault) {
            while let frame = try channel.receive() {
                switch frame {
                case .blob(let piece): try blobs.take(piece)
                case .message(let json):
                    switch try Request(reading: json) {
                    case .end: return 0
                    case .facts: channel.send(.facts(Identity.hello().json))
                    case .run(let request):
                        let conversation = Conversation(channel, blobs: blobs)
                        blobs = BlobIntake()
                        serve(request, conversation)
                        if let fault = conversation.streamFault { throw fault }
                    case .stop: break
                    case .noBlob: throw StreamFault.outOfOrder("an answer about a blob")
                    }
                }
            }
            return 0
        } catch {
            channel.send(.fault(error))
            return 65
        }
    }

    private func serve(_ request: RunRequest, _ conversation: Conversation) {
        let worker = Worker(conversation: conversation, state: state, machine: LocalMachine())
        do {
            conversation.send(.runEnded(try worker.serve(request)))
        } catch {
            if conversation.streamFault == nil { conversation.send(.fault(error)) }
        }
    }
}
