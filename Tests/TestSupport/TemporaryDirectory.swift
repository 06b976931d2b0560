import Glibc
import Linux

/// Runs the body with an empty directory of its own, and removes it with everything below.
package func withTemporaryDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let path = try makeTemporaryDirectory()
    defer { removeTree(path) }
    return try body(path)
}

/// The same for bodies that wait.
package func withTemporaryDirectory<R>(_ body: (String) async throws -> R) async throws -> R {
    let path = try makeTemporaryDirectory()
    defer { removeTree(path) }
    return try await body(path)
}

private func makeTemporaryDirectory(below parent: String = "/tmp") throws -> String {
    var template = Array("\(parent)/muster-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
        throw SystemError(call: "mkdtemp", object: parent, code: errno)
    }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// Removes a directory and everything below, staying on its file system.
package func removeTree(_ path: String) {
    _ = try? ProcessRunner.run(ProgramCall("/bin/rm", ["-rf", "--one-file-system", path]))
}

/// A private directory below /tmp, removed with all it holds when the value goes out of scope.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// `parent`: another place than /tmp, of which the agent's sandbox has one of its own.
    package init(below parent: String = "/tmp") throws {
        path = try makeTemporaryDirectory(below: parent)
    }

    deinit { removeTree(path) }

    /// A path inside.
    package func path(_ name: String) -> String { PathName.join(path, name) }

    /// Writes a file inside and returns its path.
    @discardableResult
    package func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        let file = path(name)
        let descriptor = try Descriptor.open(file, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try descriptor.writeAll(Array(text.utf8))
        return file
    }

    /// Reads a file inside.
    package func read(_ name: String) throws -> String {
        String(decoding: try LocalMachine().read(path(name), limit: 1 << 24), as: UTF8.self)
    }
}
