import FleetModel
import Glibc
import Journal
import Linux

/// Temporary files that an interrupted run left beside the files it was about to replace.
///
/// They were never renamed into place, so removing them loses nothing.
enum LeftOvers {
    /// Removes the temporary files beside the files that the run's open changes touch.
    static func remove(after run: JournalState, in state: StateDirectory) {
        for intent in run.openChanges {
            for path in intent.before.compactMap(\.path) {
                remove(in: PathName.parent(of: path), of: PathName.last(of: path))
            }
        }
    }

    /// Removes the temporary files in the state directory.
    ///
    /// No other process writes there while the lock is held.
    static func remove(in state: StateDirectory) {
        for directory in [state.path, state.journal, state.before] {
            remove(in: directory, of: nil)
        }
    }

    private static func remove(in directory: String, of name: String?) {
        for entry in (try? LocalMachine().list(directory)) ?? []
        where entry.hasPrefix(name.map { ".muster-\($0)-" } ?? ".muster-") {
            // Only a name that ends with a number is one of ours.
            guard let number = entry.split(separator: "-").last, UInt32(number) != nil else {
                continue
            }
            unlink(PathName.join(directory, entry))
        }
    }
}

extension BeforeImage {
    /// The path of the file, directory or link that the image describes; nil for other images.
    fileprivate var path: String? {
        switch self {
        case .nothing(let path), .file(let path, _, _, _, _), .directory(let path, _, _, _),
            .symlink(let path, _):
            path
        default: nil
        }
    }
}
