import Linux

/// The isolation domain of all code that uses a socket or libssh2: one thread, one epoll.
///
/// A libssh2 session may be used by only one thread at a time, and inner sessions of a jump host
/// call into their outer session. One domain for all of them makes both safe without a lock,
/// checked by the compiler. Nothing isolated here may block: blocking work (names, key files, fork)
/// runs elsewhere.
@globalActor
package actor TransportLoop {
    package static let shared = TransportLoop()

    let thread = LoopThread()

    /// Why the loop does not run; nil if it does.
    ///
    /// The first access starts the loop. Entering the domain while the loop does not run would wait
    /// forever, so every entry point checks this first.
    static let failure = shared.thread.start()

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// Runs code of the domain from a place where the compiler cannot know that it is on the
    /// domain's thread: a callback of C, or the thread's own dispatch.
    ///
    /// Traps anywhere else.
    ///
    /// The same construction as `MainActor.assumeIsolated`, which exists for that actor only.
    static func assumeIsolated<T: Sendable>(_ operation: @TransportLoop () -> T) -> T {
        shared.preconditionIsolated()
        typealias Plain = () -> T
        return withoutActuallyEscaping(operation) { escaping in
            unsafeBitCast(escaping, to: Plain.self)()
        }
    }
}
