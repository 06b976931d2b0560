import FleetModel
import Glibc
import Linux
import SystemFaults
import Wire

/// What a behaviour works with: the machine, the blobs of the plan, and how the run is made.
package final class Host {
    package let machine: any Machine
    /// Whether contents found are put into changes, for diffs.
    package let wantsContent: Bool
    /// Gives a blob of the plan; asks the controller for it where it is not here yet.
    package let blob: (Digest) throws(AgentFault) -> [UInt8]
    /// Keeps the content of a before-image and gives its digest.
    package let keep: ([UInt8]) throws(AgentFault) -> Digest
    /// A large blob of the plan as a file of the agent's own; nil where ``blob`` gives its bytes.
    package var spooled: (Digest) throws(AgentFault) -> String? = { _ throws(AgentFault) in nil }
    /// The directory of the agent's state on this host: private, root's.
    package var stateDirectory = AgentDirectory.standard
    /// What was done and is to be done once in a run at most, by name: `apt-get update`.
    package var doneOnce: Set<String> = []
    /// Whether work that several resources may want is left to the engine; see ``share(_:)``.
    package var sharesWork = false
    /// What the change under way leaves to be done after shared work.
    var waiting: SharedWait?
    /// Reads facts of the host: the hardware half where asked, and sections of the live state.
    package var facts: (_ hardware: Bool, _ sections: [String]) -> JSON = { _, _ in .null }
    /// Waits a moment, so that what was just started can show that it fails.
    ///
    /// Tests do without.
    package var settle: () -> Void = { usleep(300_000) }

    /// Seconds since the epoch, held against when files were written.
    ///
    /// Tests have their own.
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

    /// The content of a blob, to be put in place: one that is large never stands in memory.
    package func content(_ digest: Digest) throws(AgentFault) -> NewContent {
        if let path = try spooled(digest) { return .copy(of: path) }
        return .bytes(try blob(digest))
    }

    /// Makes a private directory of the agent's own below its state, where it is missing; its path.
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
