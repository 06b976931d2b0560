import FleetModel
import Glibc
import Linux
import Wire

/// Frames to and from one peer over two descriptors; sending and receiving block.
final class FrameChannel {
    private let input: Int32
    private let output: Int32
    private var reader = FrameReader(expectsPreamble: false)
    private var isAtEnd = false
    /// Whether the peer no longer accepts data.
    private(set) var isBroken = false
    /// Frames that wait to be sent together.
    private var held: [UInt8] = []
    /// The number of held bytes above which they are sent.
    private static let heldLimit = 16 << 10

    /// Borrows the descriptors; whoever opened them closes them.
    init(input: Int32, output: Int32) {
        self.input = input
        self.output = output
    }

    /// Sends bytes unchanged; if the peer is gone, this only sets ``isBroken``.
    func send(_ bytes: [UInt8]) {
        if isBroken { return }
        var sent = 0
        while sent < bytes.count {
            let n = bytes.withUnsafeBytes {
                write(output, $0.baseAddress?.advanced(by: sent), bytes.count - sent)
            }
            if n < 0 && errno == EINTR { continue }
            if n <= 0 {
                isBroken = true
                return
            }
            sent += n
        }
    }

    /// Sends a reply, after those held.
    func send(_ reply: Reply) {
        hold(reply)
        sendHeld()
    }

    /// Keeps a reply to be sent with the next ones; for replies that nobody waits for.
    ///
    /// A frame sent on its own wakes the supervisor, sshd and the controller.
    func hold(_ reply: Reply) {
        held += Frame.message(reply.json).encoded
        if held.count > FrameChannel.heldLimit { sendHeld() }
    }

    /// Sends what is held.
    func sendHeld() {
        if held.isEmpty { return }
        send(held)
        held.removeAll(keepingCapacity: true)
    }

    /// The next frame; nil when the peer has ended the stream after a whole one.
    func receive() throws(AgentFault) -> Frame? {
        while true {
            if let frame = try nextBuffered() { return frame }
            if isAtEnd {
                if reader.isBetweenFrames { return nil }
                throw StreamFault.truncated
            }
            fill()
        }
    }

    /// A frame that has already arrived, without waiting; nil if there is none yet.
    ///
    /// `isEnd` says whether the stream is over.
    func receiveIfThere() throws(AgentFault) -> (frame: Frame?, isEnd: Bool) {
        if let frame = try nextBuffered() { return (frame, false) }
        var polled = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
        while !isAtEnd && poll(&polled, 1, 0) > 0 {
            fill()
            if let frame = try nextBuffered() { return (frame, false) }
        }
        if isAtEnd && !reader.isBetweenFrames { throw StreamFault.truncated }
        return (nil, isAtEnd)
    }

    private func nextBuffered() throws(AgentFault) -> Frame? {
        do {
            return try reader.next()
        } catch {
            throw StreamFault.make(error)
        }
    }

    private func fill() {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var n: Int
        repeat { n = read(input, &chunk, chunk.count) } while n < 0 && errno == EINTR
        if n > 0 { reader.append(chunk[0..<n]) } else { isAtEnd = true }
    }
}

/// Faults of the stream of frames, in words.
enum StreamFault {
    private static let hint = "use a controller of the same version as the agent"

    static var truncated: AgentFault {
        AgentFault(
            "truncated-frame", "read a frame", cause: "the stream ended in the middle of it",
            hint: "the connection broke; run again")
    }

    static func outOfOrder(_ what: String) -> AgentFault {
        AgentFault("out-of-order", "take \(what)", cause: "it was not asked for", hint: hint)
    }

    static func make(_ error: FrameError) -> AgentFault {
        let cause =
            switch error {
            case .noPreamble: "it has no preamble"
            case .unknownType(let type): "it is of the unknown type \(type)"
            case .tooLong(let count, let limit):
                "it has \(count) bytes, and at most \(limit) are accepted"
            case .badMessage(let error): error.description
            case .badPiece: "a piece of a blob is too short"
            }
        return AgentFault("bad-frame", "read a frame", cause: cause, hint: hint)
    }

    static func badMessage(_ error: JSONError) -> AgentFault {
        AgentFault("bad-message", "read a message", cause: error.description, hint: hint)
    }
}
