import Glibc
import Linux

/// Where tests find the files of this repository.
package enum Repository {
    /// The directory that holds Package.swift.
    package static let root: String = {
        let folder = PathName.parent(of: #filePath)
        return PathName.parent(of: PathName.parent(of: folder))
    }()

    /// A folder below Tests/Fixtures.
    package static func fixtures(_ name: String) -> String { "\(root)/Tests/Fixtures/\(name)" }

    /// A program of the pinned Python environment that Scripts/install-dependencies makes.
    package static func pythonProgram(_ name: String) -> String {
        "\(root)/.cache/venv/bin/\(name)"
    }

    /// The names of the files in a folder that end so, without the ending, sorted.
    package static func names(in folder: String, ending: String) -> [String] {
        let names = (try? LocalMachine().list(folder)) ?? []
        return names.filter { $0.hasSuffix(ending) }.map { String($0.dropLast(ending.count)) }
    }
}

/// Compares a text with a file of expected text.
///
/// With `MUSTER_RECORD=1` in the environment the file is written anew, and the comparison still
/// answers false, so that a recording run never passes.
package struct Golden {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// The expected text; empty where there is no file yet.
    package var expected: String { (try? LocalMachine().textIfPresent(path)).flatMap { $0 } ?? "" }

    package func matches(_ text: String) -> Bool {
        if let flag = getenv("MUSTER_RECORD"), String(cString: flag) == "1" {
            try? LocalMachine().replaceFile(
                path, content: Array(text.utf8), mode: 0o644, uid: getuid(), gid: getgid())
            return false
        }
        return text == expected
    }
}
