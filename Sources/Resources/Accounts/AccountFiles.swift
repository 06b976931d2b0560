import FleetModel
import Linux
import SystemFaults
import Wire

/// The account files of a host, as they are: no directory service has a say in them.
struct AccountFiles: Sendable {
    struct User: Sendable, Equatable {
        var name: String
        var uid: UInt32
        var gid: UInt32
        var comment: String
        var home: String
        var shell: String
    }

    struct Group: Sendable, Equatable {
        var name: String
        var gid: UInt32
        var members: [String]
    }

    private(set) var users: [String: User] = [:]
    private(set) var groups: [String: Group] = [:]
    /// The second field of /etc/shadow: a hash, behind `!` where it is locked.
    private(set) var passwords: [String: String] = [:]

    /// The names of users and groups by number; the first line of a number counts.
    private(set) var userNames: [UInt32: String] = [:]
    private(set) var groupNames: [UInt32: String] = [:]

    init() {}

    /// Reads /etc/passwd and /etc/group, and /etc/shadow where passwords are wanted.
    init(withPasswords: Bool, on machine: any Machine) throws(AgentFault) {
        for fields in try Self.records("/etc/passwd", on: machine) {
            guard let user = Self.user(fields), users[user.name] == nil else { continue }
            users[user.name] = user
            if userNames[user.uid] == nil { userNames[user.uid] = user.name }
        }
        for fields in try Self.records("/etc/group", on: machine) {
            guard fields.count >= 4, let gid = UInt32(fields[2]), groups[fields[0]] == nil else {
                continue
            }
            let members = fields[3].split(separator: ",").map(String.init)
            groups[fields[0]] = Group(name: fields[0], gid: gid, members: members)
            if groupNames[gid] == nil { groupNames[gid] = fields[0] }
        }
        guard withPasswords else { return }
        for fields in try Self.records("/etc/shadow", on: machine) where fields.count >= 2 {
            if passwords[fields[0]] == nil { passwords[fields[0]] = fields[1] }
        }
    }

    private static func records(
        _ path: String, on machine: any Machine
    ) throws(AgentFault) -> [[String]] {
        let text = try machine.readText(path)
        return AccountRecords.fields(of: text ?? "")
    }

    /// A line of /etc/passwd, or what `getent passwd` prints.
    private static func user(_ fields: [String]) -> User? {
        guard fields.count >= 7, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else {
            return nil
        }
        return User(
            name: fields[0], uid: uid, gid: gid, comment: fields[4], home: fields[5],
            shell: fields[6])
    }

    /// The groups a user is in by their member lists, sorted.
    func supplementaryGroups(of user: String) -> [String] {
        groups.values.filter { $0.members.contains(user) }.map(\.name).sorted()
    }

    func groupName(_ gid: UInt32) -> String { groupNames[gid] ?? String(gid) }

    /// The number of a group given by name or number.
    func gid(of text: String) -> UInt32? { groups[text]?.gid ?? UInt32(text) }

    /// Those of the names that only a directory service knows, by one call of getent.
    func elsewhere(
        users names: [String], on machine: any Machine
    ) throws(AgentFault) -> [String: User] {
        let lines = try ask("passwd", names.filter { users[$0] == nil }, on: machine)
        return Dictionary(
            lines.compactMap(Self.user).map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The same of groups, with their numbers.
    func elsewhere(
        groups names: [String], on machine: any Machine
    ) throws(AgentFault) -> [String: UInt32] {
        let lines = try ask("group", names.filter { groups[$0] == nil }, on: machine)
        return Dictionary(
            lines.compactMap { fields in
                fields.count >= 3 ? UInt32(fields[2]).map { (fields[0], $0) } : nil
            }, uniquingKeysWith: { first, _ in first })
    }

    private func ask(
        _ database: String, _ names: [String], on machine: any Machine
    ) throws(AgentFault) -> [[String]] {
        let answer = try Getent.ask(database, Set(names).sorted(), on: machine)
        return AccountRecords.fields(of: answer)
    }
}

/// The form of the account files, and of what getent prints: a record to a line, fields between
/// colons (passwd(5), group(5)).
enum AccountRecords {
    /// The fields of every record; empty lines are none.
    ///
    /// Split by bytes, which is several times as quick as by characters, and the same for text
    /// whose separators are ASCII.
    static func fields(of text: String) -> [[String]] {
        var text = text
        return text.withUTF8 { bytes in
            var records: [[String]] = []
            var fields: [String] = []
            var start = 0
            for index in 0...bytes.count {
                let isEnd = index == bytes.count || bytes[index] == UInt8(ascii: "\n")
                guard isEnd || bytes[index] == UInt8(ascii: ":") else { continue }
                if !isEnd || start < index || !fields.isEmpty {
                    fields.append(String(decoding: bytes[start..<index], as: UTF8.self))
                }
                if isEnd && !fields.isEmpty {
                    records.append(fields)
                    fields = []
                }
                start = index + 1
            }
            return records
        }
    }
}

/// Changes of the account files: the lines before, and the programs that make them.
enum AccountChange {
    /// The lines that the files have for a name, kept as blobs.
    static func beforeImages(
        _ name: String, in files: [String], on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images: [BeforeImage] = []
        for file in files {
            let text = try host.machine.readText(file)
            guard let text else { continue }
            let line = text.rawLines.first { $0.hasPrefix(name + ":") }
            var digest: Digest?
            if let line { digest = try host.keep(Array(line.utf8)) }
            images.append(.accountLine(file: file, name: name, line: digest))
        }
        return images
    }

    /// Runs one of the programs that change accounts.
    static func run(
        _ program: String, _ arguments: [String], input: [UInt8] = [], attempted: String,
        on machine: any Machine
    ) throws(AgentFault) {
        let result = try attempt(attempted) { () throws(SystemError) in
            try machine.run(ProgramCall(program, arguments, input: input, timeoutSeconds: 120))
        }
        if result.succeeded { return }
        let said = Excerpt.lines(of: result.errorText, most: 4).joined(separator: "; ")
        let name = PathName.last(of: program)
        throw AgentFault(
            "\(name)-failed", attempted, cause: said.isEmpty ? "\(name) \(result.endText)" : said,
            hint: said.contains("currently used by process")
                ? "end the processes of that user first" : nil)
    }
}
