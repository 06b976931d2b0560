import FleetModel
import Glibc
import Journal
import Linux

/// Files that a run which died left beside the ones it was about to replace.
///
/// They were never renamed into place, so nothing is lost with them.
enum LeftOvers {
    /// Removes those beside what the run's open changes touch, and those of the state itself.
    static func remove(after run: JournalState, in state: StateDirectory) {
        for intent in run.openChanges {
            for path in intent.before.compactMap(\.path) {
                remove(in: PathName.parent(of: path), of: PathName.last(of: path))
            }
        }
    }

    /// Removes those of the state's own files.
    ///
    /// Nobody else writes there while the lock is held.
    static func remove(in state: StateDirectory) {
        for directory in [state.path, state.journal, state.before] {
            remove(in: directory, of: nil)
        }
    }

    private static func remove(in directory: String, of name: String?) {
        for entry in (try? LocalMachine().list(directory)) ?? []
        where entry.hasPrefix(name.map { ".muster-\($0)-" } ?? ".muster-") {
            // The rest of the name is a number, or it is somebody else's.
            guard let number = entry.split(separator: "-").last, UInt32(number) != nil else {
                continue
            }
            unlink(PathName.join(directory, entry))
        }
    }
}

extension BeforeImage {
    /// The path it is of, for those of files.
    fileprivate var path: String? {
        switch self {
        case .nothing(let path), .file(let path, _, _, _, _), .directory(let path, _, _, _),
            .symlink(let path, _):
            path
        default: nil
        }
    }
}
