import FleetModel
import Linux
import SystemFaults
import Wire

/// The account files of a host alone: the entries of directory services are not among them.
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
    /// The second field of /etc/shadow: a hash, with `!` in front where the password is locked.
    private(set) var passwords: [String: String] = [:]

    /// The names of users and groups by number; where lines share a number, the first line counts.
    private(set) var userNames: [UInt32: String] = [:]
    private(set) var groupNames: [UInt32: String] = [:]

    init() {}

    /// Reads /etc/passwd and /etc/group, and also /etc/shadow if `withPasswords` is true.
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

    /// The user of a record of passwd(5); nil if the record is malformed.
    private static func user(_ fields: [String]) -> User? {
        guard fields.count >= 7, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else {
            return nil
        }
        return User(
            name: fields[0], uid: uid, gid: gid, comment: fields[4], home: fields[5],
            shell: fields[6])
    }

    /// The groups whose member lists contain the user, sorted by name.
    func supplementaryGroups(of user: String) -> [String] {
        groups.values.filter { $0.members.contains(user) }.map(\.name).sorted()
    }

    func groupName(_ gid: UInt32) -> String { groupNames[gid] ?? String(gid) }

    /// The number of a group given by name or number.
    func gid(of text: String) -> UInt32? { groups[text]?.gid ?? UInt32(text) }

    /// Asks getent, in one call, for the users that the account files lack.
    func elsewhere(
        users names: [String], on machine: any Machine
    ) throws(AgentFault) -> [String: User] {
        let lines = try ask("passwd", names.filter { users[$0] == nil }, on: machine)
        return Dictionary(
            lines.compactMap(Self.user).map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Asks getent, in one call, for the numbers of the groups that the account files lack.
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

/// The format of the account files and of the output of getent.
///
/// Each line is a record, and colons separate its fields (passwd(5), group(5)).
enum AccountRecords {
    /// The fields of every record; empty lines are skipped.
    ///
    /// Splits by bytes, which is several times as fast as by characters. The result is the same,
    /// because the separators are ASCII.
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

/// Changes of the account files: saves the lines as they were, and runs the programs of shadow.
enum AccountChange {
    /// The lines that the files have for a name now, stored as blobs.
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
            hint: said.contains(text: "currently used by process")
                ? "end the processes of that user first" : nil)
    }
}
