import Compiler
import Fleet
import FleetModel
import Store
import Synchronization

/// The facts that the store of a fleet directory keeps, for verbs that contact no host.
///
/// A directory without a store has none. One whose store cannot be read is a fault: without its
/// facts fewer resources would be compiled, and what is wrong with the others would not be seen.
final class StoredFacts: Sendable {
    private let table: FactsTable?
    private let failure = Mutex<StoreError?>(nil)

    /// Opens the store where there is one.
    init(of session: FleetSession) throws {
        table = try FactsTable(fleetDirectory: session.options.directory.path)
    }

    /// What is known of a host.
    func facts(of host: String) throws(StoreError) -> HostFactsInput {
        guard let record = try table?.facts(of: host) else { return .none }
        return HostFactsInput(hardware: record.facts, live: nil, digest: record.digest)
    }

    /// The same for a compiler, which takes no error; ``check()`` gives it afterwards.
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
