import Diagnostics
import Wire

/// Access to the files of a fleet directory; the compiler itself does not access the disk.
///
/// Paths are relative to the fleet directory and separated by `/`. The content of a file must not
/// change between two reads in one compilation.
package struct FleetFiles: Sendable {
    /// One entry of a folder.
    package struct Entry: Sendable, Hashable {
        package let name: String
        package let isFolder: Bool

        package init(_ name: String, isFolder: Bool = false) {
            self.name = name
            self.isFolder = isFolder
        }
    }

    /// The digest and size of a file.
    package struct Digested: Sendable {
        package let digest: Digest
        /// In bytes.
        package let size: Int

        package init(digest: Digest, size: Int) {
            self.digest = digest
            self.size = size
        }
    }

    /// All bytes of a file.
    package let read: @Sendable (_ path: String) throws(FleetFileFault) -> [UInt8]
    /// The entries of a folder, in any order.
    package let list: @Sendable (_ path: String) throws(FleetFileFault) -> [Entry]
    /// The digest and size of a file, if possible without loading the whole file into memory.
    package let digest: @Sendable (_ path: String) throws(FleetFileFault) -> Digested

    package init(
        read: @escaping @Sendable (String) throws(FleetFileFault) -> [UInt8],
        list: @escaping @Sendable (String) throws(FleetFileFault) -> [Entry],
        digest: (@Sendable (String) throws(FleetFileFault) -> Digested)? = nil
    ) {
        self.read = read
        self.list = list
        if let digest {
            self.digest = digest
        } else {
            self.digest = { (path) throws(FleetFileFault) in
                let bytes = try read(path)
                return Digested(digest: Digest(of: bytes), size: bytes.count)
            }
        }
    }

    /// A fleet directory in memory, for tests and for files that are not on a disk.
    package static func inMemory(_ files: [String: [UInt8]]) -> FleetFiles {
        FleetFiles(
            read: { (path) throws(FleetFileFault) in
                guard let bytes = files[path] else { throw .missing }
                return bytes
            },
            list: { (path) throws(FleetFileFault) in
                var entries: Set<Entry> = []
                for file in files.keys where file.hasPrefix(path + "/") {
                    let rest = file.dropFirst(path.count + 1)
                    let name = rest.prefix { $0 != "/" }
                    entries.insert(Entry(String(name), isFolder: name.count < rest.count))
                }
                if entries.isEmpty { throw .missing }
                return entries.sorted { $0.name < $1.name }
            })
    }

    /// The text of a file; throws with the first invalid line if the file is not UTF-8.
    func text(_ path: String) throws(FleetFileFault) -> SourceText {
        let bytes = try read(path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .notUTF8(line: Self.firstInvalidLine(bytes))
        }
        return SourceText(name: path, text: text)
    }

    private static func firstInvalidLine(_ bytes: [UInt8]) -> Int {
        var number = 1
        for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            if String(validating: line, as: UTF8.self) == nil { return number }
            number += 1
        }
        return number
    }
}

/// Why a file of the fleet directory could not be read.
package enum FleetFileFault: Error, Sendable, Equatable {
    /// There is no such file or folder.
    case missing
    /// The file exists but cannot be read; the text is the reason: `Permission denied`.
    case unreadable(String)
    /// The file is not valid UTF-8; the first invalid line.
    case notUTF8(line: Int)

    /// The cause, for messages.
    package var text: String {
        switch self {
        case .missing: "there is no such file"
        case .unreadable(let why): why
        case .notUTF8(let line): "line \(line) is not UTF-8"
        }
    }

    /// What to do, if the fault itself implies it.
    package var hint: String? {
        switch self {
        case .missing, .unreadable: nil
        case .notUTF8: "save it as UTF-8"
        }
    }
}
