import FleetModel
import Glibc
import Linux
import SystemFaults
import Wire

/// What a behaviour works with: the machine, the blobs of the plan, and settings of the run.
package final class Host {
    package let machine: any Machine
    /// Whether changes include the content found, for diffs.
    package let wantsContent: Bool
    /// Returns a blob of the plan; requests it from the controller if it is not here yet.
    package let blob: (Digest) throws(AgentFault) -> [UInt8]
    /// Stores the content of a before-image and returns its digest.
    package let keep: ([UInt8]) throws(AgentFault) -> Digest
    /// The path of a large blob's file in the agent's spool; nil if ``blob`` returns its bytes.
    package var spooled: (Digest) throws(AgentFault) -> String? = { _ throws(AgentFault) in nil }
    /// The directory of the agent's state on this host: private to root.
    package var stateDirectory = AgentDirectory.standard
    /// The names of steps already done that run at most once in a run: `apt-get update`.
    package var doneOnce: Set<String> = []
    /// The status of the boot unit's program when it was last found to be a copy of this agent.
    var comparedBootProgram: FileStatus?
    /// Whether work that several resources may need is left to the engine; see ``share(_:)``.
    package var sharesWork = false
    /// The part of the current change that waits for shared work.
    var waiting: SharedWait?
    /// Reads facts of the host: the hardware facts if wanted, and sections of the live state.
    package var facts: (_ hardware: Bool, _ sections: [String]) -> JSON = { _, _ in .null }
    /// Waits a moment, so that a service that was just started can fail.
    ///
    /// Tests replace it.
    package var settle: () -> Void = { usleep(300_000) }

    /// Seconds since the epoch, compared with the modification times of files.
    ///
    /// Tests replace it.
    package var now: () -> Double = { Clock.wallSeconds() }

    package init(
        machine: any Machine, wantsContent: Bool = false,
        blob: @escaping (Digest) throws(AgentFault) -> [UInt8],
        keep: @escaping ([UInt8]) throws(AgentFault) -> Digest
    ) {
        self.machine = machine
        self.wantsContent = wantsContent
        self.blob = blob
        self.keep = keep
    }

    /// The content of a blob, to be put in place; a large blob is never held in memory.
    package func content(_ digest: Digest) throws(AgentFault) -> NewContent {
        if let path = try spooled(digest) { return .copy(of: path) }
        return .bytes(try blob(digest))
    }

    /// Creates a private directory below the agent's state directory if it is missing; returns its path.
    func ownDirectory(_ name: String) throws(AgentFault) -> String {
        let path = PathName.join(stateDirectory, name)
        try attempt("make the directory \(path)") { () throws(SystemError) in
            for folder in [stateDirectory, path] where try machine.statusIfPresent(folder) == nil {
                try machine.makeDirectory(folder, mode: 0o700, uid: 0, gid: 0)
            }
        }
        return path
    }
}
