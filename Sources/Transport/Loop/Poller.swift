import CLinux
import Linux

/// The domain's epoll instance and its timers.
@TransportLoop
final class Poller {
    static let shared = Poller()

    private let epoll = TransportLoop.shared.thread.epoll
    private let wakeUp = TransportLoop.shared.thread.wakeUp
    /// Watches by a number that is never reused, so that a late event of a closed descriptor finds
    /// no watch.
    private var watches: [UInt64: Watch] = [:]
    private var nextWatch: UInt64 = 1
    private var timers = Timers()
    private var events = [clinux_event](repeating: clinux_event(), count: 256)

    private init() {
        _ = clinux_epoll_add(epoll, wakeUp, 0, UInt32(clinux_ready_input))
    }

    /// Dispatches ready descriptors and due timers; if `maySleep`, sleeps until there are any.
    func poll(maySleep: Bool) {
        let pause = maySleep ? timers.millisecondsToNext(now: Clock.monotonicSeconds()) : 0
        let count = clinux_epoll_wait(epoll, &events, Int32(events.count), pause)
        for index in 0..<Int(max(0, count)) {
            let event = events[index]
            if event.number == 0 {
                _ = clinux_eventfd_take(wakeUp)
            } else {
                watches[event.number]?.onEvent(Readiness(event.readiness))
            }
        }
        for action in timers.takeDue(now: Clock.monotonicSeconds()) { action() }
    }

    /// Calls `onEvent` when the descriptor becomes ready, edge-triggered, until `unwatch`.
    func watch(
        _ descriptor: Int32, _ interest: Readiness,
        onEvent: @escaping @TransportLoop (Readiness) -> Void
    ) throws(SystemError) -> Watch {
        let watch = Watch(number: nextWatch, descriptor: descriptor, onEvent: onEvent)
        nextWatch += 1
        try checkNegated(
            clinux_epoll_add(epoll, descriptor, watch.number, interest.rawValue), "epoll_ctl",
            "descriptor \(descriptor)")
        watches[watch.number] = watch
        return watch
    }

    /// Ends a watch; call it before closing the descriptor.
    func unwatch(_ watch: Watch) {
        guard watches.removeValue(forKey: watch.number) != nil else { return }
        _ = clinux_epoll_remove(epoll, watch.descriptor)
    }

    /// Calls `action` once at an instant of CLOCK_MONOTONIC, unless cancelled before.
    func schedule(at instant: Double, _ action: @escaping @TransportLoop () -> Void) -> Timers.Name
    {
        timers.add(at: instant, action)
    }

    /// Cancels a timer; it may have fired already.
    func cancel(_ timer: Timers.Name) { timers.cancel(timer) }
}

/// The events for which a descriptor is ready.
struct Readiness: OptionSet, Sendable {
    let rawValue: UInt32

    init(rawValue: UInt32) { self.rawValue = rawValue }
    init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// Input, or its end.
    static let input = Readiness(UInt32(clinux_ready_input))
    static let output = Readiness(UInt32(clinux_ready_output))
    /// An error or a hang-up; the next read or write returns which.
    static let over = Readiness(UInt32(clinux_ready_over))
}

/// A descriptor that is being watched.
@TransportLoop
final class Watch {
    fileprivate let number: UInt64
    fileprivate let descriptor: Int32
    fileprivate let onEvent: @TransportLoop (Readiness) -> Void

    fileprivate init(
        number: UInt64, descriptor: Int32, onEvent: @escaping @TransportLoop (Readiness) -> Void
    ) {
        self.number = number
        self.descriptor = descriptor
        self.onEvent = onEvent
    }
}
