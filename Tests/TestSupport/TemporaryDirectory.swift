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

private func makeTemporaryDirectory() throws -> String {
    var template = Array("/tmp/muster-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
        throw SystemError(call: "mkdtemp", object: "/tmp", code: errno)
    }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// Removes a directory and everything below, staying on its file system.
package func removeTree(_ path: String) {
    _ = try? ProcessRunner.run(ProgramCall("/bin/rm", ["-rf", "--one-file-system", path]))
}
