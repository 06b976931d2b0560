import FleetModel
import Linux
import SystemFaults
import Wire

/// The content of a new file.
package enum NewContent: Sendable {
    case bytes([UInt8])
    /// A copy of another file, which only root can write; copied in pieces.
    case copy(of: String)
}

/// A file to be created or replaced as a whole.
package struct NewFile {
    package var path: String
    package var content: NewContent
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32

    package init(path: String, content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32) {
        self.init(path: path, content: .bytes(content), mode: mode, uid: uid, gid: gid)
    }

    package init(path: String, content: NewContent, mode: UInt32, uid: UInt32, gid: UInt32) {
        self.path = path
        self.content = content
        self.mode = mode
        self.uid = uid
        self.gid = gid
    }

    /// Writes a text as a file of root, and creates its directory if missing; nil removes the file.
    static func keep(
        _ path: String, _ text: String?, on machine: any Machine
    ) throws(AgentFault) {
        guard let text else {
            return try attempt("remove \(path)") { () throws(SystemError) in
                if try machine.statusIfPresent(path) != nil { try machine.remove(path) }
            }
        }
        try makeDirectory(PathName.parent(of: path), on: machine)
        try NewFile(path: path, content: Array(text.utf8), mode: 0o644, uid: 0, gid: 0)
            .put(on: machine)
    }

    /// Puts the file in place atomically: the path never holds only a part of it.
    ///
    /// A validating program checks a candidate file beside the path, with the final owner and mode.
    /// If the program exits with 0, this file is renamed to the path; otherwise it is removed. The
    /// output of the program is included in the fault unless `showsOutput` is false.
    package func put(
        validate: [String] = [], showsOutput: Bool = true, on machine: any Machine
    ) throws(AgentFault) {
        guard let program = validate.first else {
            return try attempt("write \(path)") { () throws(SystemError) in
                try write(to: path, on: machine)
            }
        }
        // The name depends only on the path, so that a leftover of an interrupted run is
        // overwritten. It is short enough for any path, and hidden from drop-in directories.
        let candidate = PathName.join(
            PathName.parent(of: path), ".muster-candidate-\(Digest(of: path.utf8).short)")
        try attempt("write a candidate for \(path)") { () throws(SystemError) in
            try write(to: candidate, on: machine)
        }
        do {
            let arguments = validate.dropFirst().map { NewFile.filled($0, candidate) }
            try NewFile.run(
                program, arguments, showsOutput: showsOutput, for: path, on: machine)
            try attempt("rename the candidate to \(path)") { () throws(SystemError) in
                try machine.rename(candidate, to: path)
            }
        } catch {
            try? machine.remove(candidate)
            throw error
        }
    }

    private func write(to path: String, on machine: any Machine) throws(SystemError) {
        switch content {
        case .bytes(let bytes):
            try machine.replaceFile(path, content: bytes, mode: mode, uid: uid, gid: gid)
        case .copy(let source):
            try machine.replaceFile(path, copyOf: source, mode: mode, uid: uid, gid: gid)
        }
    }

    private static func filled(_ argument: String, _ candidate: String) -> String {
        var rest = argument[...]
        var filled = ""
        while let index = rest.firstIndex(of: "%") {
            filled += rest[..<index]
            rest = rest[index...]
            filled += rest.hasPrefix("%s") ? candidate : "%"
            rest = rest.dropFirst(rest.hasPrefix("%s") ? 2 : 1)
        }
        return filled + rest
    }

    private static func run(
        _ program: String, _ arguments: [String], showsOutput: Bool, for path: String,
        on machine: any Machine
    ) throws(AgentFault) {
        let result = try attempt("validate new content for \(path) with \(program)") {
            () throws(SystemError) in
            try machine.run(ProgramCall(program, arguments, outputLimit: 1 << 20))
        }
        if result.succeeded { return }
        let output = showsOutput ? ProgramText.excerpt(of: result) : ""
        throw AgentFault(
            "validate-failed", "put new content into \(path)",
            cause: "\(program) \(result.endText)" + (output.isEmpty ? "" : ": \(output)"),
            hint: "the file is unchanged; correct the content")
    }
}

/// Creates a directory of root if it is missing; the directory above must exist.
func makeDirectory(_ path: String, on machine: any Machine) throws(AgentFault) {
    try attempt("create the directory \(path)") { () throws(SystemError) in
        if try machine.statusIfPresent(path, followLinks: true) == nil {
            try machine.makeDirectory(path, mode: 0o755, uid: 0, gid: 0)
        }
    }
}

/// Texts about programs that were run.
package enum ProgramText {
    /// The last lines that a program printed, on one line, at most 500 characters.
    ///
    /// Standard error is used; standard output only if standard error is empty.
    package static func excerpt(of result: ProgramResult) -> String {
        let text = result.errorOutput.isEmpty ? result.outputText : result.errorText
        let lines = text.filledLines.suffix(5)
            .map { $0.trimmingSpaces() }.filter { !$0.isEmpty }
        let joined = lines.joined(separator: "; ")
        return joined.count > 500 ? String(joined.prefix(500)) + "…" : joined
    }
}

extension StringProtocol {
    /// The text without white space at both ends.
    func trimmingSpaces() -> String {
        let tail = drop { $0.isWhitespace }
        guard let last = tail.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(tail[...last])
    }
}
