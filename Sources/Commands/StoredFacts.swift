import Compiler
import Fleet
import FleetModel
import Store
import Synchronization

/// The facts that the store of a fleet directory keeps, for verbs that contact no host.
///
/// A fleet directory without a store has no facts. A store that cannot be read is a fault: without
/// its facts some resources would not be compiled, and their faults would not be found.
final class StoredFacts: Sendable {
    private let table: FactsTable?
    private let failure = Mutex<StoreError?>(nil)

    /// Opens the store, if there is one.
    init(of session: FleetSession) throws {
        table = try FactsTable(fleetDirectory: session.options.directory.path)
    }

    /// The stored facts of a host.
    func facts(of host: String) throws(StoreError) -> HostFactsInput {
        guard let record = try table?.facts(of: host) else { return .none }
        return HostFactsInput(hardware: record.facts, live: nil, digest: record.digest)
    }

    /// The same for the compiler, whose callback cannot throw; ``check()`` throws the error later.
    @Sendable func read(_ host: String) -> HostFactsInput {
        do throws(StoreError) {
            return try facts(of: host)
        } catch {
            failure.withLock { $0 = $0 ?? error }
            return .none
        }
    }

    /// Throws the first error that ``read(_:)`` met.
    func check() throws(StoreError) {
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}
