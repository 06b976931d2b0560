import Linux

/// The isolation domain of everything that touches a socket or libssh2: one thread, one epoll.
///
/// libssh2 sessions may be used by one thread at a time, and inner sessions of a jump host call into
/// their outer one. One domain for all of them makes both safe, checked by the compiler, without a
/// lock. Nothing isolated here may block: what blocks (names, key files, fork) runs elsewhere.
@globalActor
package actor TransportLoop {
    package static let shared = TransportLoop()

    let thread = LoopThread()

    /// Why the loop does not run; nil once it does.
    ///
    /// The first look starts it; who enters the domain while it does not run waits for ever, so
    /// every way in looks here first.
    static let failure = shared.thread.start()

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// Runs code of the domain from a place the compiler cannot see to be on its thread: a callback
    /// of C, or the thread's own dispatch.
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
