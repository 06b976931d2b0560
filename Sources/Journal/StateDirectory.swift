import FleetModel
import Glibc
import Linux
import SystemFaults
import Wire

/// The directory where the agent keeps its state on a host: private, and written only by an apply.
///
/// ```
/// journal/0000000042.log   one file per apply: its intents and their outcomes
/// journal/0000000042.plan  the plan of that apply
/// before/DIGEST            contents that changes replaced
/// spool/                   blobs that have arrived and are not yet in place
/// last-plan.json           the plan of the last apply that finished
/// declared.json            what applies have put on this host
/// lock                     held by the apply that is running
/// ```
package struct StateDirectory: Sendable, Equatable {
    /// The default path.
    package static let standardPath = AgentDirectory.standard

    package let path: String

    package init(_ path: String = StateDirectory.standardPath) { self.path = path }

    package var journal: String { path + "/journal" }
    package var before: String { path + "/before" }
    package var spool: String { path + "/spool" }
    package var lastPlan: String { path + "/last-plan.json" }
    package var declared: String { path + "/declared.json" }
    package var lock: String { path + "/lock" }

    /// Creates missing directories, and refuses directories that other users can write to.
    package func prepare() throws(AgentFault) {
        for directory in [path, journal, before, spool] {
            if mkdir(directory, 0o700) != 0 && errno != EEXIST {
                throw fault("create \(directory)", errno)
            }
            try checkPrivate(directory)
        }
    }

    private func checkPrivate(_ directory: String) throws(AgentFault) {
        var status = stat()
        guard lstat(directory, &status) == 0 else { throw fault("look at \(directory)", errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw AgentFault(
                "unsafe-state", "use \(directory)", cause: "it is not a directory",
                hint: "move it away, or set agent_dir to another directory")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw AgentFault(
                "unsafe-state", "use \(directory)",
                cause: "it has another owner, or other users can write to it",
                hint: "chown it to root and chmod it to 0700, or set agent_dir to another path")
        }
    }

    /// Removes what an interrupted apply left in the spool.
    package func emptySpool() {
        let machine = LocalMachine()
        for name in (try? machine.listIfPresent(spool)) ?? [] { unlink(spool + "/" + name) }
    }

    /// The bytes of a state file; nil if it does not exist.
    package func read(_ file: String, limit: Int = 64 << 20) throws(AgentFault) -> [UInt8]? {
        do {
            return try LocalMachine().read(file, limit: limit)
        } catch {
            if error.isNotFound { return nil }
            throw AgentFault("read \(file)", error)
        }
    }

    /// Replaces a state file atomically and durably.
    package func replace(_ file: String, _ content: [UInt8]) throws(AgentFault) {
        do {
            try LocalMachine().replaceFile(
                file, content: content, mode: 0o600, uid: geteuid(), gid: getegid())
        } catch {
            throw AgentFault("write \(file)", error)
        }
    }

    private func fault(_ attempted: String, _ code: Int32) -> AgentFault {
        AgentFault(attempted, SystemError(call: attempted, object: path, code: code))
    }
}
