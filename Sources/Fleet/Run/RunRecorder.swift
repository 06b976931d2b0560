import FleetModel
import Linux
import Runs
import Store
import Synchronization
import Views

/// Records a run in the store or, after the store fails once, in the file beside it.
///
/// A store that failed once is not tried again in this run: it might delay each host, and later
/// entries must not precede earlier ones.
final class RunRecorder: Sendable {
    private let store: any RunStore
    private let run: String
    private let unrecorded: Unrecorded

    private struct State {
        var storeFailure: StoreError?
        var fileFailure: SystemError?
        /// Hosts whose results are in the file, and hosts whose results are recorded nowhere.
        var beside: Set<String> = []
        var lost: Set<String> = []
    }

    private let state = Mutex(State())

    init(_ store: any RunStore, run: String, folder: StoreFolder) {
        self.store = store
        self.run = run
        unrecorded = Unrecorded(run: run, in: folder)
    }

    /// Records progress; nil on success, otherwise why neither the store nor the file accepted it.
    func record(_ progress: RunProgress) async -> String? {
        if progress.isEmpty { return nil }
        let hosts = progress.results.map(\.host)
        if state.withLock({ $0.storeFailure == nil }) {
            do throws(StoreError) {
                try await store.record(progress, run: run)
                return nil
            } catch {
                state.withLock { $0.storeFailure = error }
            }
        }
        do throws(SystemError) {
            try unrecorded.append(.progress(progress))
            state.withLock { $0.beside.formUnion(hosts) }
            return nil
        } catch {
            return state.withLock { state in
                state.fileFailure = error
                state.lost.formUnion(hosts)
                return "\(state.storeFailure?.cause ?? "the store failed"); \(error)"
            }
        }
    }

    /// Records how the run ended.
    func end(_ ending: RunEnding) async {
        if state.withLock({ $0.storeFailure == nil }) {
            do throws(StoreError) {
                try await store.end(ending, run: run)
                return
            } catch {
                state.withLock { $0.storeFailure = error }
            }
        }
        do throws(SystemError) {
            try unrecorded.append(.end(ending))
        } catch {
            state.withLock { $0.fileFailure = error }
        }
    }

    /// Whether something is recorded nowhere.
    var hasLost: Bool { state.withLock { $0.fileFailure != nil } }

    /// What the operator must know about results that are not in the store.
    var notices: [String] {
        let state = state.withLock { ($0.storeFailure, $0.fileFailure, $0.beside, $0.lost) }
        guard let failure = state.0 else { return [] }
        var notices = ["\(failure.summary). \(Self.sentence(failure.hint))"]
        if !state.2.isEmpty {
            notices.append(
                "not in the store: the results of \(HostNameFolding.fold(state.2.sorted())). They "
                    + "are kept in \(unrecorded.path), and the next run of muster stores them")
        }
        if let fault = state.1 {
            notices.append(
                "recorded nowhere: the results of "
                    + "\(state.3.isEmpty ? "some hosts" : HostNameFolding.fold(state.3.sorted())), "
                    + "since \(unrecorded.path) could not be written: \(fault.reason). This "
                    + "output is their only record")
        }
        return notices
    }

    private static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst()
    }
}
