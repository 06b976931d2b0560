import CLinux
import Glibc

/// Calls an action, on its own thread, for every SIGINT, SIGTERM or SIGHUP.
///
/// The signals are blocked in the whole process and read from a descriptor, so that no code runs
/// inside a signal handler. Programs that the process starts get an empty signal mask.
package final class InterruptWatcher: Sendable {
    private let signals: Int32
    private let wake: Int32

    /// Blocks the signals in this thread and in those it starts.
    package static func blockSignals() {
        let descriptor = clinux_signalfd_interrupts()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Begins to watch.
    ///
    /// At most one watcher per process.
    package init(_ action: @escaping @Sendable () -> Void) {
        let signals = clinux_signalfd_interrupts()
        var ends: [Int32] = [-1, -1]
        _ = clinux_pipe(&ends)
        let readEnd = ends[0]
        self.signals = signals
        wake = ends[1]
        guard signals >= 0, readEnd >= 0 else { return }
        let isStarted = DetachedThread.start {
            while true {
                var polled = [
                    pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0),
                ]
                guard poll(&polled, 2, -1) > 0 || errno == EINTR else { break }
                if polled[1].revents != 0 { break }
                if polled[0].revents != 0 {
                    var information = [UInt8](repeating: 0, count: 128)
                    if read(signals, &information, information.count) > 0 { action() }
                }
            }
            close(readEnd)
            close(signals)
        }
        if !isStarted {
            close(readEnd)
            close(signals)
        }
    }

    /// Stops watching; the signals stay blocked until the process ends.
    package func end() { if wake >= 0 { close(wake) } }
}
