import Glibc
import Linux
import Synchronization

/// An address to connect to, in the kernel's format.
struct SocketAddress: Sendable, Equatable {
    let family: Int32
    /// The bytes of a sockaddr of this family.
    let bytes: [UInt8]
}

/// Looks names up with getaddrinfo(3), which blocks, on its own threads, started as needed, so that
/// a slow name server blocks neither the loop nor other look-ups.
final class Resolver: Sendable {
    enum Answer: Sendable {
        case addresses([SocketAddress])
        case failed(String)
        case timedOut, cancelled
    }

    private struct Work {
        var waiting: [@Sendable () -> Void] = []
        var threads = 0
        var idle = 0
    }

    private let work = Mutex(Work())
    private let mayTake = ThreadSignal()
    private let maximumThreads: Int

    init(maximumThreads: Int = 32) { self.maximumThreads = maximumThreads }

    /// The addresses of a name or literal, in the order to try them.
    ///
    /// After the deadline the caller no longer waits; the thread ends when the answer arrives.
    @TransportLoop
    func resolve(_ name: String, port: Int, until deadline: Deadline) async -> Answer {
        if let literal = Self.lookUp(name, port, literalOnly: true) { return literal }
        let box = AnswerBox()
        add {
            let answer = Self.lookUp(name, port, literalOnly: false) ?? .failed("no answer")
            Task { @TransportLoop in box.put(answer) }
        }
        while true {
            if let answer = box.answer { return answer }
            switch await box.changed.wait(until: deadline.instant) {
            case .notified: break
            case .timedOut: return .timedOut
            case .cancelled: return .cancelled
            }
        }
    }

    @TransportLoop
    private final class AnswerBox {
        private(set) var answer: Answer?
        let changed = Notifier()

        func put(_ answer: Answer) {
            self.answer = answer
            changed.notifyAll()
        }
    }

    /// Returns nil if only literals are accepted and this is not one.
    private static func lookUp(_ name: String, _ port: Int, literalOnly: Bool) -> Answer? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (literalOnly ? AI_NUMERICHOST : AI_ADDRCONFIG)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, "\(port)", &hints, &list)
        if literalOnly, code != 0 { return nil }
        guard code == 0 else {
            return .failed(
                code == EAI_SYSTEM
                    ? SystemError.text(of: errno) : String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = list
        while let current = entry?.pointee {
            if let address = current.ai_addr {
                addresses.append(
                    SocketAddress(
                        family: current.ai_family,
                        bytes: Array(
                            UnsafeRawBufferPointer(start: address, count: Int(current.ai_addrlen))))
                )
            }
            entry = current.ai_next
        }
        return .addresses(addresses)
    }

    private func add(_ job: @escaping @Sendable () -> Void) {
        let mustStart = work.withLock { work in
            work.waiting.append(job)
            if work.idle >= work.waiting.count || work.threads == maximumThreads { return false }
            work.threads += 1
            return true
        }
        if mustStart, !startThread() {
            // If no thread can be started, the job must still be done.
            work.withLock { $0.threads -= 1 }
            takeOne()?()
        }
        mayTake.signal()
    }

    private func takeOne() -> (@Sendable () -> Void)? {
        work.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
    }

    private func startThread() -> Bool {
        DetachedThread.start { [self] in
            while true {
                while let job = takeOne() { job() }
                work.withLock { $0.idle += 1 }
                let isWanted = mayTake.wait(seconds: 5)
                let mustEnd = work.withLock { work in
                    work.idle -= 1
                    guard !isWanted, work.waiting.isEmpty else { return false }
                    work.threads -= 1
                    return true
                }
                if mustEnd { return }
            }
        }
    }
}
