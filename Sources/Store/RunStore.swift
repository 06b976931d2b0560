import FleetModel
import Runs
import Wire

/// The controller's memory: runs with their results, facts, saved plans, serials.
///
/// SQLite is its first implementation. Every method may block on a disk or a network, and does so
/// outside the threads that tasks share. Behaviour tests are written against this protocol.
package protocol RunStore: Sendable {
    /// The location of the store, for messages: a path or an address.
    nonisolated var place: String { get }

    // MARK: Runs

    /// Records that a run begins and its hosts, before any host is contacted.
    func begin(_ run: RunRecord, hosts: [RunHost]) async throws(StoreError)

    /// Records new states of hosts, and results of hosts that ended, all or none of them; a later
    /// record of a host replaces the earlier one.
    ///
    /// Durable on return if the run applies: what a check read can be read again.
    func record(_ progress: RunProgress, run: String) async throws(StoreError)

    /// Records how a run ended.
    func end(_ ending: RunEnding, run: String) async throws(StoreError)

    /// The runs, newest first; only those that included `host` if it is given.
    func runs(limit: Int, host: String?) async throws(StoreError) -> [RunRecord]

    /// The runs whose id begins with `prefix`.
    func runs(idPrefix prefix: String) async throws(StoreError) -> [RunRecord]

    /// The runs that have begun and not ended, oldest first.
    func unendedRuns() async throws(StoreError) -> [RunRecord]

    /// The hosts of a run with their last recorded states, in the order of the run.
    func hosts(run: String) async throws(StoreError) -> [RunHost]

    /// The results of a run, by the name of the host.
    func results(run: String) async throws(StoreError) -> [HostRecord]

    /// Claims a run for this controller while the returned value lives; the error `held` names the
    /// other holder.
    func hold(run: String, by holder: String) async throws(StoreError) -> any RunHold

    /// Who holds a run at this moment; nil if nobody does.
    func holder(run: String) async throws(StoreError) -> String?

    // MARK: Facts, serials, plans

    /// Stores a host's hardware facts in place of earlier ones.
    func save(_ facts: FactsRecord) async throws(StoreError)

    /// The facts kept for a host; nil if there are none.
    func facts(of host: String) async throws(StoreError) -> FactsRecord?

    /// The next serial of a host: larger than every serial given before, and than `accepted`, the
    /// last one that the host accepted from any controller. Clocks play no part.
    func nextSerial(of host: String, after accepted: Int?) async throws(StoreError) -> Int

    /// Saves a plan together with the plans of its hosts.
    func save(_ plan: SavedPlan) async throws(StoreError)

    /// The saved plan whose id begins with `prefix`; nil if none or several match.
    func plan(idPrefix prefix: String) async throws(StoreError) -> SavedPlan?
}

/// A run held by this controller: released when this value or its process ends.
package protocol RunHold: Sendable {}
