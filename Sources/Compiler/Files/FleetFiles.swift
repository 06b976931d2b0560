import Diagnostics
import Wire

/// The files of a fleet directory, handed in: compiling itself touches no disk.
///
/// Paths are relative to the fleet directory, with `/` between their parts. What a file holds must
/// not change between two reads of one compilation.
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

    /// What a file's bytes amount to.
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
    /// What is in a folder, in any order.
    package let list: @Sendable (_ path: String) throws(FleetFileFault) -> [Entry]
    /// The digest and the size of a file, without holding it in memory where that can be helped.
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

    /// A fleet directory held in memory, for tests and for files that were never on a disk.
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

    /// The text of a file; a file that is not UTF-8 is a fault with the line it breaks on.
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
    /// It is there and cannot be read; the text says why: `Permission denied`.
    case unreadable(String)
    /// Its bytes are not text, from this line on.
    case notUTF8(line: Int)

    /// The cause for people.
    package var text: String {
        switch self {
        case .missing: "there is no such file"
        case .unreadable(let why): why
        case .notUTF8(let line): "line \(line) is not UTF-8"
        }
    }

    /// The way out, where the fault itself tells one.
    package var hint: String? {
        switch self {
        case .missing, .unreadable: nil
        case .notUTF8: "save it as UTF-8"
        }
    }
}
