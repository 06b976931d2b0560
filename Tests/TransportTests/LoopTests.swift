import Linux
import Testing

@testable import Transport

/// The parts of the loop by themselves.
@Suite(.timeLimit(.minutes(3)))
struct LoopTests {
    init() throws { try #require(TransportLoop.failure == nil) }

    @Test func `timers come up in order, cancelled ones never`() async {
        let order = await Task { @TransportLoop in
            var timers = Timers()
            var seen: [Int] = []
            var names: [Timers.Name] = []
            // 0...199 in a scattered order; those divisible by three are cancelled.
            for index in 0..<200 {
                let instant = index * 77 % 200
                names.append(timers.add(at: Double(instant)) { seen.append(instant) })
            }
            for index in 0..<200 where index * 77 % 200 % 3 == 0 { timers.cancel(names[index]) }
            #expect(timers.millisecondsToNext(now: 0) == 1000)
            for action in timers.takeDue(now: 99) { action() }
            #expect(seen == (0..<100).filter { $0 % 3 != 0 })
            for action in timers.takeDue(now: 1000) { action() }
            #expect(timers.millisecondsToNext(now: 1000) == -1)
            return seen
        }.value
        #expect(order == (0..<200).filter { $0 % 3 != 0 })
    }

    @TransportLoop
    private final class Crowd {
        let turnstile = Turnstile(limit: 3)
        var inside = 0
        var most = 0
        var seen = 0

        func pass() async {
            #expect(await turnstile.enter())
            seen += 1
            inside += 1
            most = max(most, inside)
            await Task.yield()
            inside -= 1
            turnstile.leave()
        }
    }

    @Test func `a turnstile lets in as many as its limit`() async {
        let crowd = await Task { @TransportLoop in Crowd() }.value
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { await crowd.pass() } }
        }
        #expect(await crowd.most == 3)
        #expect(await crowd.seen == 50)
    }

    @Test func `who gives up in line leaves the place to the next`() async {
        await Task { @TransportLoop in
            let turnstile = Turnstile(limit: 1)
            #expect(await turnstile.enter())
            #expect(await !turnstile.enter(until: Clock.monotonicSeconds() + 0.05))
            let cancelled = Task { @TransportLoop in await turnstile.enter() }
            let patient = Task { @TransportLoop in await turnstile.enter() }
            await Task.yield()
            cancelled.cancel()
            #expect(await !cancelled.value)
            turnstile.leave()
            #expect(await patient.value)
            turnstile.leave()
            #expect(await turnstile.enter())
        }.value
    }

    @Test func `a wait ends by notice, by time or by cancellation`() async {
        await Task { @TransportLoop in
            let notifier = Notifier()
            #expect(await notifier.wait(until: Clock.monotonicSeconds() + 0.02) == .timedOut)
            let waiting = Task { @TransportLoop in await notifier.wait(until: nil) }
            await Task.yield()
            notifier.notifyAll()
            #expect(await waiting.value == .notified)
            let cancelled = Task { @TransportLoop in await notifier.wait(until: nil) }
            cancelled.cancel()
            #expect(await cancelled.value == .cancelled)
        }.value
    }

    @Test func `the width follows the limit on open files, said aloud`() {
        let limit = DescriptorLimit(descriptors: 1024)
        #expect(limit.width == 240)
        #expect(limit.notice(wanted: 240) == nil)
        let notice = limit.notice(wanted: 1000)
        #expect(notice?.contains("240 connections at once instead of 1000") == true)
        #expect(notice?.contains("ulimit -n") == true)
        #expect(DescriptorLimit(descriptors: 10).width == 1)
    }
}
