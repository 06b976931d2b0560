import Synchronization

/// The digests of the fleet directory's files, each computed once for all hosts.
final class FileDigests: Sendable {
    private let files: FleetFiles
    private let known = Mutex<[String: Result<FleetFiles.Digested, FleetFileFault>]>([:])

    init(_ files: FleetFiles) { self.files = files }

    /// The digest and size of a file.
    func of(_ path: String) throws(FleetFileFault) -> FleetFiles.Digested {
        if let result = known.withLock({ $0[path] }) { return try result.get() }
        // Two threads may read the same file at once; neither waits for the other.
        let result: Result<FleetFiles.Digested, FleetFileFault>
        do {
            result = .success(try files.digest(path))
        } catch {
            result = .failure(error)
        }
        known.withLock { $0[path] = result }
        return try result.get()
    }
}
