import FleetModel
import Glibc
import Linux
import SystemFaults
import Wire

/// The journals of a state directory, oldest first.
package enum JournalDirectory {
    /// How many finished journals are kept; `keptBytes` limits their total size.
    package static let keptJournals = 20
    package static let keptBytes = 64 << 20
    /// The largest size of a journal that is read.
    private static let journalLimit = 256 << 20

    static func path(of number: Int, in state: StateDirectory) -> String {
        state.journal + "/" + name(of: number) + ".log"
    }

    /// Where the plan of the journal's run is kept.
    package static func planPath(of number: Int, in state: StateDirectory) -> String {
        state.journal + "/" + name(of: number) + ".plan"
    }

    static func name(of number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    /// The numbers of the existing journals, ascending.
    package static func numbers(in state: StateDirectory) throws(AgentFault) -> [Int] {
        do {
            return try LocalMachine().listIfPresent(state.journal)
                .filter { $0.hasSuffix(".log") }
                .compactMap { Int($0.dropLast(4)) }
                .sorted()
        } catch {
            throw AgentFault("list \(state.journal)", error)
        }
    }

    /// The state recorded in a journal; nil if it lacks even its first record.
    package static func state(
        of number: Int, in directory: StateDirectory
    ) throws(AgentFault) -> JournalState? {
        guard let bytes = try directory.read(path(of: number, in: directory), limit: journalLimit)
        else {
            return nil
        }
        let (records, isTorn) = JournalFile.decode(bytes)
        return JournalState(number: number, records: records, isTorn: isTorn)
    }

    /// The newest journal that has its first record.
    package static func latest(in directory: StateDirectory) throws(AgentFault) -> JournalState? {
        for number in try numbers(in: directory).reversed() {
            if let state = try state(of: number, in: directory) { return state }
        }
        return nil
    }

    /// The serial of the last apply on this host; 0 before the first.
    ///
    /// Reads only the first record of the newest journal, since every agent needs this for its
    /// hello.
    package static func lastSerial(in directory: StateDirectory) throws(AgentFault) -> Int {
        for number in try numbers(in: directory).reversed() {
            let path = path(of: number, in: directory)
            let first = try JournalFile.first { (count) throws(AgentFault) in
                do throws(SystemError) {
                    return try LocalMachine().read(path, from: 0, count: count)
                } catch {
                    throw AgentFault("read \(path)", error)
                }
            }
            if case .begin(let begin)? = first { return begin.serial }
        }
        return 0
    }

    /// The newest journal if its run needs attention: it has no end, or handlers are pending.
    ///
    /// For checks. The last record shows whether a journal is settled; then the others are not
    /// read.
    package static func unsettled(in directory: StateDirectory) throws(AgentFault) -> JournalState?
    {
        for number in try numbers(in: directory).reversed() {
            guard
                let bytes = try directory.read(
                    path(of: number, in: directory), limit: journalLimit)
            else { continue }
            if case .end(_, isSettled: true)? = JournalFile.last(bytes) { return nil }
            let (records, isTorn) = JournalFile.decode(bytes)
            if let state = JournalState(number: number, records: records, isTorn: isTorn) {
                return state
            }
        }
        return nil
    }
}
