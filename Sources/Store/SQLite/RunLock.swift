import CLinux
import Glibc
import Linux
import Wire

/// A run held by this process: a lock on a file beside the store, released when the process ends
/// for any reason.
final class RunLock: RunHold {
    private let descriptor: Descriptor
    private let path: String

    private init(_ descriptor: consuming Descriptor, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// The file is removed with the lock; a process that locks it later sees that it has no name
    /// any more.
    deinit { unlink(path) }

    private static func path(place: String, run: String) -> String {
        PathName.join(PathName.parent(of: place), "run-\(run).lock")
    }

    /// Takes the lock; never waits.
    static func take(
        place: String, run: String, by holder: String
    ) throws(StoreError) -> RunLock {
        let path = path(place: place, run: run)
        do throws(SystemError) {
            while true {
                let descriptor = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
                let answer = clinux_lock(descriptor.number)
                if answer == -EAGAIN || answer == -EACCES {
                    throw SystemError(call: "lock", object: path, code: EAGAIN)
                }
                try checkNegated(answer, "fcntl", path)
                // The previous holder may have removed the file between our opening and locking it.
                guard hasName(descriptor, path) else { continue }
                try check(ftruncate(descriptor.number, 0), "ftruncate", path)
                try descriptor.writeAll(Array("\(holder), process \(getpid())".utf8))
                return RunLock(descriptor, path: path)
            }
        } catch {
            if error.call == "lock" {
                throw StoreError(
                    .held, attempted: "carry out the run \(run)", path: place,
                    cause: "\(text(of: path)) is carrying it out")
            }
            throw StoreError(
                .cannotOpen, attempted: "hold the run \(run)", path: place, cause: error.reason)
        }
    }

    private static func hasName(_ descriptor: borrowing Descriptor, _ path: String) -> Bool {
        var own = stat()
        var named = stat()
        return fstat(descriptor.number, &own) == 0 && stat(path, &named) == 0
            && own.st_ino == named.st_ino && own.st_dev == named.st_dev
    }

    /// Who holds the lock of a run; nil if nobody does.
    static func holder(place: String, run: String) -> String? {
        let path = path(place: place, run: run)
        guard let descriptor = try? Descriptor.open(path, O_RDONLY),
            clinux_is_locked(descriptor.number) == 1
        else { return nil }
        return text(of: path)
    }

    private static func text(of path: String) -> String {
        guard let bytes = try? LocalMachine().read(path, limit: 4_096), !bytes.isEmpty else {
            return "another muster"
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
