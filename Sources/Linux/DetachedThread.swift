import CLinux
import Glibc

/// Threads for calls that block.
package enum DetachedThread {
    /// Runs the body on its own thread with all signals blocked; false if no thread could be made.
    package static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let box = Unmanaged.passRetained(Box(body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 1 << 20)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { context in
                if let context {
                    Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
                }
                return nil
            }, box.toOpaque())
        if code != 0 { box.release() }
        return code == 0
    }

    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}

/// A counting semaphore over an eventfd(2), with a timeout.
package final class ThreadSignal: Sendable {
    private let number = clinux_eventfd(1)

    package init() {}

    deinit { if number >= 0 { close(number) } }

    /// Adds one count.
    package func signal() { _ = clinux_eventfd_signal(number) }

    /// Takes one count; false if none arrived in time.
    package func wait(seconds: Int) -> Bool {
        var polled = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        guard poll(&polled, 1, Int32(seconds * 1000)) > 0 else { return false }
        return clinux_eventfd_take(number) == 1
    }

    /// Takes one count, however long that takes; false if the descriptor could not be made.
    package func wait() -> Bool {
        while number >= 0 {
            var polled = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            if poll(&polled, 1, -1) > 0, clinux_eventfd_take(number) == 1 { return true }
        }
        return false
    }
}
