import FleetModel
import Synchronization

/// Runs a body on many hosts, at most `width` at once, in stages, until the brakes or the user stop it.
struct FanOut: Sendable {
    let width: Int
    let brakes: Brakes
    let control: RunControl

    /// How the hosts that were not started came to be so.
    struct Ending: Sendable {
        /// Hosts never started, in order.
        var notStarted: [String] = []
        /// Why, where it was not the end of the list.
        var reason: String?
    }

    /// Calls the body for each host; it answers whether the host came out well.
    func run(
        _ hosts: [String], _ body: @escaping @Sendable (String) async -> Bool
    ) async -> Ending {
        var bad = 0
        let stages = brakes.stages(of: hosts)
        var started = 0
        for (number, stage) in stages.enumerated() {
            let badBefore = bad
            let before = started
            await withTaskGroup(of: Bool.self) { group in
                var next = stage.startIndex
                var running = 0
                while next < stage.endIndex || running > 0 {
                    let mayStart = !control.isStopping && brakes.forbidsHost(bad: bad) == nil
                    if mayStart, running < width, next < stage.endIndex {
                        let host = stage[next]
                        group.addTask { await body(host) }
                        next += 1
                        running += 1
                        started += 1
                        continue
                    }
                    guard running > 0, let isGood = await group.next() else { break }
                    running -= 1
                    if !isGood { bad += 1 }
                }
            }
            if started - before < stage.count || started < hosts.count {
                let reason =
                    control.isStopping
                    ? "interrupted"
                    : brakes.forbidsNext(
                        stage: number, badInStage: bad - badBefore, badInAll: bad, of: hosts.count)
                if let reason {
                    return Ending(notStarted: Array(hosts[started...]), reason: reason)
                }
            }
        }
        return Ending()
    }
}
