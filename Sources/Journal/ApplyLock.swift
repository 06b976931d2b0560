import CLinux
import FleetModel
import Glibc
import Linux
import SystemFaults
import Wire

/// Held by the only apply that runs on a host; released when its process ends, for any reason.
package struct ApplyLock: ~Copyable {
    /// Who holds it.
    package struct Holder: ModelCodable, Equatable {
        package var pid: Int
        package var runID: String
        package var requestedBy: String
        /// Seconds since the epoch.
        package var since: Int

        package init(pid: Int, runID: String, requestedBy: String, since: Int) {
            self.pid = pid
            self.runID = runID
            self.requestedBy = requestedBy
            self.since = since
        }

        package var json: JSON {
            [
                "pid": .integer(pid), "run": .string(runID), "requested_by": .string(requestedBy),
                "since": .integer(since),
            ]
        }

        package init(json: JSON) throws(JSONError) {
            var reader = try MemberReader(json, as: "lock holder")
            pid = try reader.integer("pid")
            runID = try reader.string("run")
            requestedBy = try reader.string("requested_by")
            since = try reader.integer("since")
            try reader.end()
        }

        /// `run 7f3a91c2 of alice@ops1 (process 4711, since 2026-11-21T05:30:00Z)`.
        package var text: String {
            "run \(runID) of \(requestedBy) (process \(pid), since \(Clock.rfc3339(Double(since))))"
        }
    }

    private let descriptor: Descriptor

    private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Takes the lock; throws the fault `locked` if another apply holds it.
    ///
    /// Never waits.
    package static func take(
        in state: StateDirectory, as holder: Holder
    ) throws(AgentFault) -> ApplyLock {
        do throws(SystemError) {
            let descriptor = try Descriptor.open(state.lock, O_RDWR | O_CREAT, mode: 0o600)
            let answer = clinux_lock(descriptor.number)
            if answer == -EAGAIN || answer == -EACCES {
                throw SystemError(call: "lock", object: state.lock, code: EAGAIN)
            }
            try checkNegated(answer, "fcntl", state.lock)
            try check(ftruncate(descriptor.number, 0), "ftruncate", state.lock)
            try descriptor.writeAll(holder.json.canonicalBytes)
            return ApplyLock(descriptor)
        } catch {
            guard error.call == "lock" else { throw AgentFault("lock \(state.lock)", error) }
            let other = recordedHolder(of: state)?.text ?? "another apply"
            throw AgentFault(
                "locked", "apply", cause: "\(other) is applying on this host",
                hint: "wait for it to end")
        }
    }

    /// Who is applying on this host now; nil if nobody is.
    ///
    /// Takes no lock.
    package static func holder(of state: StateDirectory) -> String? {
        guard let descriptor = try? Descriptor.open(state.lock, O_RDONLY),
            clinux_is_locked(descriptor.number) == 1
        else { return nil }
        return recordedHolder(of: state)?.text ?? "another apply"
    }

    /// Whether a run is being applied on this host now.
    ///
    /// Takes no lock.
    package static func isApplying(runID: String, in state: StateDirectory) -> Bool {
        guard let descriptor = try? Descriptor.open(state.lock, O_RDONLY),
            clinux_is_locked(descriptor.number) == 1
        else { return false }
        return recordedHolder(of: state)?.runID == runID
    }

    private static func recordedHolder(of state: StateDirectory) -> Holder? {
        guard let bytes = try? state.read(state.lock, limit: 4096),
            let json = try? JSON(parsing: bytes)
        else { return nil }
        return try? Holder(json: json)
    }
}
