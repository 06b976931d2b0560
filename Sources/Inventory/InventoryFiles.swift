import Diagnostics
import Glibc
import Linux
import YAML

/// Reads the files of an inventory: paths as the user gave them, texts, and faults.
struct InventoryFiles {
    let machine: any Machine
    /// The directory for relative paths; absolute.
    let workingDirectory: String

    func absolute(_ path: String) -> String { PathName.join(workingDirectory, path) }

    func status(_ path: String) -> FileStatus? {
        try? machine.status(absolute(path), followLinks: true)
    }

    func isDirectory(_ path: String) -> Bool { status(path)?.type == .directory }

    /// The names in a directory; empty, with a fault added, if it cannot be read.
    func list(_ path: String, _ bag: inout DiagnosticBag) -> [String] {
        do {
            return try machine.list(absolute(path))
        } catch {
            bag.add(Self.unreadable(path, error))
            return []
        }
    }

    /// The bytes of a file; nil, with a fault added, if it cannot be read.
    func bytes(_ path: String, _ bag: inout DiagnosticBag) -> [UInt8]? {
        do {
            return try machine.read(absolute(path), limit: YAMLLimits().bytes)
        } catch {
            bag.add(Self.unreadable(path, error))
            return nil
        }
    }

    /// The text of a file; nil, with a fault added, if it cannot be read.
    func source(_ path: String, _ bag: inout DiagnosticBag) -> SourceText? {
        guard let bytes = bytes(path, &bag) else { return nil }
        do {
            return try SourceText(name: path, bytes: bytes)
        } catch {
            bag.add(error)
            return nil
        }
    }

    static func unreadable(_ path: String, _ error: SystemError) -> Diagnostic {
        Diagnostic(
            "unreadable", "cannot read \(path)", cause: error.reason,
            hint: error.isNotFound ? "check the path" : error.hint)
    }

    /// The current working directory.
    static func currentDirectory() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard getcwd(&buffer, buffer.count) != nil else { return "/" }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
