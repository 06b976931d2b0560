import FleetModel
import Runs
import Wire

/// The controller's memory: runs with what came of them, facts, saved plans, serials.
///
/// SQLite is its first implementation. Every method may block on a disk or a network and does so off
/// the threads that tasks share. Tests of behaviour are written against this protocol.
package protocol RunStore: Sendable {
    /// Where it is, for messages: a path or an address.
    nonisolated var place: String { get }

    // MARK: Runs

    /// Notes that a run begins and which hosts it is about, before the first host is touched.
    func begin(_ run: RunRecord, hosts: [RunHost]) async throws(StoreError)

    /// Records new states of hosts, and results of those that ended, all or none of them; a later
    /// record of a host replaces the earlier one.
    ///
    /// Durable on return where the run applies: what a check read can be read again.
    func record(_ progress: RunProgress, run: String) async throws(StoreError)

    /// Notes how a run ended.
    func end(_ ending: RunEnding, run: String) async throws(StoreError)

    /// The newest runs first; only those that were about `host` where one is given.
    func runs(limit: Int, host: String?) async throws(StoreError) -> [RunRecord]

    /// The runs whose id begins with `prefix`.
    func runs(idPrefix prefix: String) async throws(StoreError) -> [RunRecord]

    /// The runs that have begun and not ended, oldest first.
    func unendedRuns() async throws(StoreError) -> [RunRecord]

    /// The hosts of a run with their last recorded states, in the order of the run.
    func hosts(run: String) async throws(StoreError) -> [RunHost]

    /// The results of a run, by the name of the host.
    func results(run: String) async throws(StoreError) -> [HostRecord]

    /// Claims a run for this controller while the returned value lives; the error `held` names who
    /// else has it.
    func hold(run: String, by holder: String) async throws(StoreError) -> any RunHold

    /// Who has a run at this moment; nil where nobody does.
    func holder(run: String) async throws(StoreError) -> String?

    // MARK: Facts, serials, plans

    /// Keeps a host's hardware facts in place of what was kept before.
    func save(_ facts: FactsRecord) async throws(StoreError)

    /// The facts kept of a host, nil where there are none.
    func facts(of host: String) async throws(StoreError) -> FactsRecord?

    /// The next serial of a host: larger than every one given before, and than `accepted`, the last
    /// one that the host took from whichever controller. No clock has a part in it.
    func nextSerial(of host: String, after accepted: Int?) async throws(StoreError) -> Int

    /// Saves a plan and its hosts' plans together.
    func save(_ plan: SavedPlan) async throws(StoreError)

    /// The saved plan whose id begins with `prefix`; nil where none or several do.
    func plan(idPrefix prefix: String) async throws(StoreError) -> SavedPlan?
}

/// A run held by this controller: let go when it is released or its process ends.
package protocol RunHold: Sendable {}
