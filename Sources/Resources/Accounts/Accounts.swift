import FleetModel
import Linux
import SystemFaults

/// The users and groups of a machine, by name and by number.
///
/// `/etc/passwd` and `/etc/group` are read once. Names that they lack are looked up with `getent`,
/// in one call for all names, so that directory services count too. The agent never calls NSS.
package struct Accounts: Sendable {
    private var uids: [String: UInt32] = [:]
    private var gids: [String: UInt32] = [:]
    private var userNames: [UInt32: String] = [:]
    private var groupNames: [UInt32: String] = [:]
    /// The primary group and the home directory of each user.
    private var users: [String: (gid: UInt32, home: String)] = [:]

    /// Why getent could not say whether the users or groups that the files lack exist; else nil.
    private var unanswered: AgentFault?

    /// No accounts; for callers that need no names of owners.
    package init() {}

    /// Reads the account files, and asks getent for those of the given names that they lack.
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

    /// The number of a user given by name or number; nil if no such user is known.
    package func uid(of text: String) -> UInt32? { uids[text] ?? UInt32(text) }

    /// The number of a group given by name or number; nil if no such group is known.
    package func gid(of text: String) -> UInt32? { gids[text] ?? UInt32(text) }

    /// Like ``uid(of:)``, but throws if getent failed, so that the user may still exist.
    package func knownUID(of text: String) throws(AgentFault) -> UInt32? {
        if let uid = uid(of: text) { return uid }
        if let unanswered { throw unanswered }
        return nil
    }

    /// Like ``gid(of:)``, but throws if getent failed, so that the group may still exist.
    package func knownGID(of text: String) throws(AgentFault) -> UInt32? {
        if let gid = gid(of: text) { return gid }
        if let unanswered { throw unanswered }
        return nil
    }

    /// Whether the user certainly does not exist: neither the files nor getent know it.
    package func lacksUser(_ text: String) -> Bool { uid(of: text) == nil && unanswered == nil }

    /// The name of a user; the number as text if it has no name.
    package func userName(_ uid: UInt32) -> String { userNames[uid] ?? String(uid) }

    /// The name of a group; the number as text if it has no name.
    package func groupName(_ gid: UInt32) -> String { groupNames[gid] ?? String(gid) }

    /// The primary group of a user; nil if the user is not known.
    package func primaryGroup(of user: String) -> UInt32? { entry(user)?.gid }

    /// The home directory of a user; nil if the user is not known.
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
            // Where lines share a name or number, the first one counts, as in getpwnam(3).
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

    /// What getent prints for the names it knows; records the fault if getent failed.
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

/// Queries the host's name service switch with getent(1), which includes directory services.
enum Getent {
    /// The records of a database for these names, one on each line; other names do not exist.
    ///
    /// Empty on a machine without getent, which has no directory service either. Throws if getent
    /// failed: then it is not known whether a name exists, and a caller that took it for missing
    /// would create a second account of that name.
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
        // 2: some of the names were not found. 1 and 3: the arguments or the database are wrong.
        if result.end == .exited(0) || result.end == .exited(2) { return result.outputText }
        throw AgentFault(
            "accounts", attempted, cause: "getent \(result.endText)",
            hint: "a directory service may be down; run getent on the host to see")
    }
}

/// The declared owner and group of a path, looked up.
package struct Ownership: Sendable, Equatable {
    /// The declared owner and group as numbers; nil where not declared.
    package var uid: UInt32?
    package var gid: UInt32?
    /// Which declared name does not exist: `no user trader`; nil if all exist.
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
