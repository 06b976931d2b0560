import FleetModel
import Linux
import SystemFaults

/// The users and groups of a machine, by name and by number.
///
/// `/etc/passwd` and `/etc/group` are read once; what they lack is asked of `getent`, once for all
/// names, so that directory services count too. No call goes through NSS in our own process.
package struct Accounts: Sendable {
    private var uids: [String: UInt32] = [:]
    private var gids: [String: UInt32] = [:]
    private var userNames: [UInt32: String] = [:]
    private var groupNames: [UInt32: String] = [:]
    /// The primary group and the home directory of each user.
    private var users: [String: (gid: UInt32, home: String)] = [:]

    /// Why getent could not say whether there is a user or a group that the files lack.
    private var unanswered: AgentFault?

    /// No accounts: for what is found without asking whose it is.
    package init() {}

    /// Reads the account files, and asks for the names given that are not in them.
    package init(
        on machine: any Machine, users: some Sequence<String> = [],
        groups: some Sequence<String> = []
    ) throws(AgentFault) {
        try attempt("read /etc/passwd") { () throws(SystemError) in
            addUsers(try machine.textIfPresent("/etc/passwd") ?? "")
        }
        try attempt("read /etc/group") { () throws(SystemError) in
            addGroups(try machine.textIfPresent("/etc/group") ?? "")
        }
        let unknownUsers = Set(users).filter { uid(of: $0) == nil }.sorted()
        let unknownGroups = Set(groups).filter { gid(of: $0) == nil }.sorted()
        addUsers(ask("passwd", unknownUsers, machine))
        addGroups(ask("group", unknownGroups, machine))
    }

    /// The number of a user given by name or number; nil where there is no such name.
    package func uid(of text: String) -> UInt32? { uids[text] ?? UInt32(text) }

    /// The number of a group given by name or number; nil where there is no such name.
    package func gid(of text: String) -> UInt32? { gids[text] ?? UInt32(text) }

    /// The same, but a fault where nobody could be asked whether there is such a user.
    package func knownUID(of text: String) throws(AgentFault) -> UInt32? {
        if let uid = uid(of: text) { return uid }
        if let unanswered { throw unanswered }
        return nil
    }

    /// The same, but a fault where nobody could be asked whether there is such a group.
    package func knownGID(of text: String) throws(AgentFault) -> UInt32? {
        if let gid = gid(of: text) { return gid }
        if let unanswered { throw unanswered }
        return nil
    }

    /// Whether it is known that there is no such user: everybody who might know was asked.
    package func lacksUser(_ text: String) -> Bool { uid(of: text) == nil && unanswered == nil }

    /// The name of a user; the number where it has none.
    package func userName(_ uid: UInt32) -> String { userNames[uid] ?? String(uid) }

    /// The name of a group; the number where it has none.
    package func groupName(_ gid: UInt32) -> String { groupNames[gid] ?? String(gid) }

    /// The primary group of a user; nil where the user is not known.
    package func primaryGroup(of user: String) -> UInt32? { entry(user)?.gid }

    /// The home directory of a user; nil where the user is not known.
    package func home(of user: String) -> String? { entry(user)?.home }

    private func entry(_ user: String) -> (gid: UInt32, home: String)? {
        users[user] ?? UInt32(user).flatMap { userNames[$0] }.flatMap { users[$0] }
    }

    private mutating func addUsers(_ text: String) {
        for fields in AccountRecords.fields(of: text) {
            guard fields.count >= 7, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else {
                continue
            }
            let name = fields[0]
            // The first line of a name or number counts, as getpwnam(3) has it.
            if uids[name] == nil {
                uids[name] = uid
                users[name] = (gid, fields[5])
            }
            if userNames[uid] == nil { userNames[uid] = name }
        }
    }

    private mutating func addGroups(_ text: String) {
        for fields in AccountRecords.fields(of: text) {
            guard fields.count >= 3, let gid = UInt32(fields[2]) else { continue }
            let name = fields[0]
            if gids[name] == nil { gids[name] = gid }
            if groupNames[gid] == nil { groupNames[gid] = name }
        }
    }

    /// What getent prints for the names it knows; notes where it could not say.
    private mutating func ask(
        _ database: String, _ names: [String], _ machine: any Machine
    ) -> String {
        do throws(AgentFault) {
            return try Getent.ask(database, names, on: machine)
        } catch {
            unanswered = error
            return ""
        }
    }
}

/// The host's name service switch, asked by getent(1): directory services answer there too.
enum Getent {
    /// The records of a database for these names, one to a line; a name without a line is not there.
    ///
    /// Nothing on a machine without getent, which has no directory service either. A fault where
    /// getent did not come to an answer: then nobody knows whether there is such a name, and who
    /// takes that for "there is none" makes a second one.
    static func ask(
        _ database: String, _ names: [String], on machine: any Machine
    ) throws(AgentFault) -> String {
        if names.isEmpty { return "" }
        let attempted = "ask getent for \(database) \(names.joined(separator: " "))"
        let result: ProgramResult
        do throws(SystemError) {
            result = try machine.run(
                ProgramCall("/usr/bin/getent", [database] + names, timeoutSeconds: 20))
        } catch {
            if error.isNotFound { return "" }
            throw AgentFault(attempted, error)
        }
        // 2: some of the names were not found. 1 and 3 are faults of the question.
        if result.end == .exited(0) || result.end == .exited(2) { return result.outputText }
        throw AgentFault(
            "accounts", attempted, cause: "it \(result.endText)",
            hint: "a directory service may be down; see getent on the host")
    }
}

/// The declared owner and group of a path, looked up.
package struct Ownership: Sendable, Equatable {
    /// The wanted numbers; nil where unmanaged.
    package var uid: UInt32?
    package var gid: UInt32?
    /// A name that no account has: `no user trader`.
    package var missing: String?

    package init(owner: String?, group: String?, in accounts: Accounts) throws(AgentFault) {
        if let owner {
            uid = try accounts.knownUID(of: owner)
            if uid == nil { missing = "no user \(owner)" }
        }
        if let group {
            gid = try accounts.knownGID(of: group)
            if gid == nil && missing == nil { missing = "no group \(group)" }
        }
    }
}
