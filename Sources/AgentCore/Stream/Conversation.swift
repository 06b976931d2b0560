import FleetModel
import Wire

/// A worker's side of the conversation with the controller while a request is served.
final class Conversation {
    private let channel: FrameChannel
    var blobs: BlobIntake
    /// Why the run has to stop at the next safe boundary; nil while it may go on.
    private var reasonToStop: String?
    /// A stream fault found at a safe boundary; reported when the run has ended.
    private(set) var streamFault: AgentFault?

    init(_ channel: FrameChannel, blobs: BlobIntake = BlobIntake()) {
        self.channel = channel
        self.blobs = blobs
    }

    func send(_ reply: Reply) { channel.send(reply) }

    /// Keeps a reply to be sent with the next ones.
    func hold(_ reply: Reply) { channel.hold(reply) }

    /// Sends what is held.
    func sendHeld() { channel.sendHeld() }

    /// Why the run has to stop, asked at a safe boundary; reads what has arrived, without waiting.
    func stopReason() -> String? {
        while reasonToStop == nil {
            do {
                let (frame, isEnd) = try channel.receiveIfThere()
                if isEnd || channel.isBroken { reasonToStop = "the controller is gone" }
                guard let frame else { break }
                try takeAside(frame)
            } catch {
                streamFault = error
                reasonToStop = error.text
            }
        }
        return reasonToStop
    }

    /// A blob; requests it from the controller if it has not arrived yet.
    func blob(_ digest: Digest) throws(AgentFault) -> [UInt8] {
        try fetch(digest)
        guard let content = try blobs.content(digest) else {
            throw AgentFault("no-blob", "get blob \(digest.short)", cause: "it was let go")
        }
        return content
    }

    /// The file of a blob that is in the spool, asked for where it is not here yet; nil where it is in
    /// memory.
    func spooled(_ digest: Digest) throws(AgentFault) -> String? {
        try fetch(digest)
        return blobs.file(digest)
    }

    private func fetch(_ digest: Digest) throws(AgentFault) {
        if blobs.has(digest) { return }
        if let reason = stopReason() {
            throw AgentFault("stopped", "get blob \(digest.short)", cause: reason)
        }
        send(.need([digest]))
        while true {
            guard let frame = try receive(digest) else {
                reasonToStop = "the controller is gone"
                throw AgentFault(
                    "controller-gone", "get blob \(digest.short)", cause: "the controller is gone",
                    hint: "run again")
            }
            try takeAside(frame, asked: digest)
            if blobs.has(digest) { return }
            if let reason = reasonToStop {
                throw AgentFault("stopped", "get blob \(digest.short)", cause: reason)
            }
        }
    }

    private func receive(_ digest: Digest) throws(AgentFault) -> Frame? {
        do {
            return try channel.receive()
        } catch {
            streamFault = error
            reasonToStop = error.text
            throw error
        }
    }

    /// Handles a frame that may arrive while a request is served.
    private func takeAside(_ frame: Frame, asked digest: Digest? = nil) throws(AgentFault) {
        do throws(AgentFault) {
            switch frame {
            case .blob(let piece):
                guard piece.digest == digest || blobs.isDiscarding(piece.digest) else {
                    throw StreamFault.outOfOrder("a blob")
                }
                try blobs.take(piece)
            case .message(let json):
                switch try Request(reading: json) {
                case .stop: reasonToStop = "the controller asked for it"
                case .noBlob(let missing) where missing == digest:
                    throw AgentFault(
                        "no-blob", "get blob \(missing.short)",
                        cause: "the controller does not have it",
                        hint: "a file of the fleet directory changed since the plan; plan again")
                case .noBlob: throw StreamFault.outOfOrder("an answer about a blob")
                case .facts, .run, .journal, .reboot, .waitUntilBooted, .end:
                    throw StreamFault.outOfOrder("a request during a run")
                }
            }
        } catch {
            // These are faults of one blob; the stream itself is intact.
            if !["no-blob", "no-space", "bad-blob"].contains(error.code) {
                streamFault = error
                reasonToStop = reasonToStop ?? error.text
            }
            throw error
        }
    }
}

extension Request {
    /// Reads a request; throws a fault where the message is not a request.
    init(reading json: JSON) throws(AgentFault) {
        do {
            try self.init(json: json)
        } catch {
            throw StreamFault.badMessage(error)
        }
    }
}
