import FleetModel

/// Runs a body on many hosts, at most `width` at once, until the operator stops it.
///
/// For work that changes no host and keeps no record; a run uses ``RunDriver``.
struct FanOut: Sendable {
    let width: Int
    let control: RunControl

    /// Calls the body for each host; returns the hosts that were never started, in order.
    func run(_ hosts: [String], _ body: @escaping @Sendable (String) async -> Void) async
        -> [String]
    {
        await withTaskGroup(of: Void.self) { group in
            var next = hosts.startIndex
            var running = 0
            while true {
                if next < hosts.endIndex, running < width, !control.isStopping {
                    let host = hosts[next]
                    group.addTask { await body(host) }
                    next += 1
                    running += 1
                    continue
                }
                guard running > 0 else { break }
                await group.next()
                running -= 1
            }
            return Array(hosts[next...])
        }
    }
}
