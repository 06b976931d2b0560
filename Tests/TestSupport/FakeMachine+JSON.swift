import Linux
import Wire

/// A machine described in a fixture is not as agreed.
package struct FixtureError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

extension FakeMachine {
    /// A machine from its description in a fixture.
    ///
    ///
    ///     {"/etc/motd": "text of a file", "/etc/d": {"directory": true, "mode": "0750"},
    ///      "/etc/l": {"link": "motd"}, "/run/s": {"other": "socket"},
    ///      "/etc/x": {"file": "text", "mode": "0600", "uid": 1, "gid": 2}}
    ///
    /// and of its programs, where the first answer whose conditions hold counts:
    ///
    ///     [{"run": ["/usr/bin/test", "-e", "/x"],
    ///       "answers": [{"if_exists": "/x", "status": 0}, {"status": 1, "stderr": "no"}]},
    ///      {"run": ["/opt/init"], "answers": [{"status": 0, "writes": {"/x": ""}}]}]
    ///
    /// `if_exists` and `if_absent` take a path, `if_text` a map of paths and their contents;
    /// `writes` puts entries (null takes one away). `run` without arguments answers for any; with
    /// `"*"` as its last word, for any that begin so.
    package convenience init(tree: JSON, programs: JSON? = nil) throws {
        self.init()
        try put(tree: tree)
        try add(programs: programs ?? [])
    }

    /// Scripts further programs.
    package func add(programs: JSON) throws {
        // Answers of one program are tried in the order they are written.
        for program in (programs.array ?? []).reversed() { try add(program: program) }
    }

    /// Puts every entry of a description; null takes one away.
    package func put(tree: JSON) throws {
        for (path, entry) in tree.object ?? [:] {
            if entry == .null { take(path) } else { try put(entry: entry, at: path) }
        }
    }

    private func put(entry: JSON, at path: String) throws {
        let mode = try entry["mode"]?.string.map { text in
            guard let mode = UInt32(text, radix: 8) else { throw FixtureError("bad mode \(text)") }
            return mode
        }
        let uid = UInt32(entry["uid"]?.integer ?? 0)
        let gid = UInt32(entry["gid"]?.integer ?? 0)
        put(path, try FakeMachine.content(of: entry, at: path), mode: mode, uid: uid, gid: gid)
        if let time = entry["modified"]?.integer { modified[path] = Int64(time) }
    }

    private static func content(of entry: JSON, at path: String) throws -> Content {
        if let text = entry.string ?? entry["file"]?.string { return .file(Array(text.utf8)) }
        if let target = entry["link"]?.string { return .link(target) }
        if entry["directory"] != nil { return .directory }
        if let type = entry["other"]?.string.flatMap(FileStatus.FileType.init(rawValue:)) {
            return .other(type)
        }
        throw FixtureError("what is \(path)? \(entry.canonicalText)")
    }

    private func add(program: JSON) throws {
        let words = (program["run"]?.array ?? []).compactMap(\.string)
        guard let path = words.first, let answers = program["answers"]?.array else {
            throw FixtureError("a program has run and answers: \(program.canonicalText)")
        }
        let others = programs[path]
        programs[path] = { call, machine in
            guard FakeMachine.matches(Array(words.dropFirst()), call.arguments),
                let answer = answers.first(where: { machine.holds($0) })
            else {
                if let others { return others(call, machine) }
                return ProgramResult(
                    end: .exited(127), errorOutput: Array("no answer is scripted".utf8))
            }
            if let writes = answer["writes"] { try? machine.put(tree: writes) }
            if answer["timeout"]?.bool == true { return ProgramResult(end: .timedOut) }
            return ProgramResult(
                end: .exited(Int32(answer["status"]?.integer ?? 0)),
                output: Array((answer["stdout"]?.string ?? "").utf8),
                errorOutput: Array((answer["stderr"]?.string ?? "").utf8))
        }
    }

    private static func matches(_ wanted: [String], _ arguments: [String]) -> Bool {
        if wanted.isEmpty { return true }
        if wanted.last == "*" { return arguments.starts(with: wanted.dropLast()) }
        return wanted == arguments
    }

    private func holds(_ answer: JSON) -> Bool {
        if let path = answer["if_exists"]?.string, nodes[path] == nil { return false }
        if let path = answer["if_absent"]?.string, nodes[path] != nil { return false }
        for (path, text) in answer["if_text"]?.object ?? [:] where self.text(path) != text.string {
            return false
        }
        return true
    }

    /// What differs between the machine and a description; empty where nothing does.
    ///
    /// Only what the description says is compared: mode and owner where it gives them, absence where
    /// it says null.
    package func differences(from tree: JSON) throws -> [String] {
        var differences: [String] = []
        for (path, entry) in tree.object ?? [:] {
            let node = nodes[path]
            if entry == .null {
                if node != nil { differences.append("\(path) is there") }
                continue
            }
            guard let node else {
                differences.append("\(path) is not there")
                continue
            }
            let content = try FakeMachine.content(of: entry, at: path)
            if node.content != content {
                differences.append("\(path) is \(FakeMachine.text(of: node.content))")
            }
            let mode = entry["mode"]?.string.flatMap { UInt32($0, radix: 8) }
            if let mode, mode != node.mode {
                differences.append("\(path) has mode \(String(node.mode, radix: 8))")
            }
            if let uid = entry["uid"]?.integer, uid != Int(node.uid) {
                differences.append("\(path) has uid \(node.uid)")
            }
            if let gid = entry["gid"]?.integer, gid != Int(node.gid) {
                differences.append("\(path) has gid \(node.gid)")
            }
        }
        return differences.sorted()
    }

    private static func text(of content: Content) -> String {
        switch content {
        case .file(let bytes): "a file: \(String(decoding: bytes, as: UTF8.self))"
        case .directory: "a directory"
        case .link(let target): "a link to \(target)"
        case .other(let type): "a \(type.rawValue)"
        }
    }
}
