import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `user`: the account files read directly, changed by useradd(8) and its like.
package enum UserBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var user: AccountFiles.User?
        /// As a directory service has it, where only that knows it.
        var elsewhere: AccountFiles.User?
        var primaryGroup = ""
        /// The groups it is in besides, sorted.
        var groups: [String] = []
        /// The second field of its line in /etc/shadow.
        var password: String?
        /// The user that has the wanted number already.
        var uidTakenBy: String?
        /// Wanted groups that are not there.
        var missingGroups: [String] = []
        /// Whether a group of the user's own name is there.
        var hasOwnGroup = false
        /// Whether its home directory is there, or why that cannot be told.
        var hasHome: Result<Bool, SystemError> = .success(true)
    }

    package static func observe(
        _ declarations: [UserDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let machine = host.machine
        let files: AccountFiles
        let elsewhere: [String: AccountFiles.User]
        let groupsElsewhere: [String: UInt32]
        do throws(AgentFault) {
            let needsPasswords = declarations.contains { $0.password != nil || $0.isLocked != nil }
            files = try AccountFiles(withPasswords: needsPasswords, on: machine)
            elsewhere = try files.elsewhere(users: declarations.map(\.name), on: machine)
            groupsElsewhere = try files.elsewhere(
                groups: declarations.flatMap {
                    ($0.primaryGroup.map { [$0] } ?? []) + ($0.groups ?? [])
                }, on: machine)
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return declarations.map { declaration in
            let name = declaration.name
            var observation = Observation(user: files.users[name], elsewhere: elsewhere[name])
            let holder = declaration.uid.flatMap { files.userNames[$0] }
            observation.uidTakenBy = holder == name ? nil : holder
            observation.hasOwnGroup = files.groups[name] != nil
            observation.missingGroups =
                (declaration.primaryGroup.map { [$0] } ?? []) + (declaration.groups ?? [])
            observation.missingGroups.removeAll {
                files.groups[$0] != nil || groupsElsewhere[$0] != nil
            }
            guard let user = observation.user ?? observation.elsewhere else {
                return .success(observation)
            }
            let primary = declaration.primaryGroup
            let isRight = primary.map { (files.gid(of: $0) ?? groupsElsewhere[$0]) == user.gid }
            observation.primaryGroup =
                isRight == true ? primary ?? "" : files.groupName(user.gid)
            observation.groups = files.supplementaryGroups(of: name)
            observation.password = files.passwords[name]
            let home = declaration.home ?? user.home
            observation.hasHome = Result { () throws(SystemError) in
                try machine.statusIfPresent(home, followLinks: true) != nil
            }
            return .success(observation)
        }
    }

    package static func diff(
        _ declaration: UserDeclaration, _ observation: Observation
    ) -> Difference {
        let name = declaration.name
        if let user = observation.elsewhere, observation.user == nil {
            return diff(declaration, observation, elsewhere: user)
        }
        if declaration.isAbsent {
            guard observation.user != nil else { return .asDeclared("no such user") }
            return .changes([Change("state", before: "present", after: "absent")])
        }
        let changes = changes(declaration, observation)
        if changes.isEmpty {
            if declaration.createsHome, case .failure(let error) = observation.hasHome {
                return .unknown("its home cannot be looked at: \(error.reason)")
            }
            return .asDeclared(reason(declaration, observation))
        }
        func blocked(_ code: String, _ cause: String, _ hint: String) -> Difference {
            .blocked(AgentFault(code, "change user \(name)", cause: cause, hint: hint))
        }
        if let group = observation.missingGroups.first {
            return blocked("no-group", "no group \(group)", "declare it, or correct the name")
        }
        if let holder = observation.uidTakenBy, let uid = declaration.uid,
            observation.user?.uid != uid
        {
            return blocked(
                "uid-taken", "the user \(holder) has the uid \(uid)", "choose another uid")
        }
        if declaration.isLocked == false, declaration.password == nil,
            changes.contains(where: { $0.attribute == "locked" })
        {
            let hash = UserPassword.hash(of: observation.password)
            if hash == nil {
                return blocked(
                    "no-password", "it has no password: unlocked it could log in without one",
                    "declare its password, or leave `locked` out")
            }
        }
        return .changes(changes)
    }

    private static func changes(
        _ declaration: UserDeclaration, _ observation: Observation
    ) -> [Change] {
        let user = observation.user
        var changes: [Change] = []
        if user == nil { changes.append(Change("state", before: "absent", after: "present")) }
        func compare(_ attribute: String, _ before: JSON?, _ after: JSON?) {
            if let after, before != after {
                changes.append(Change(attribute, before: before, after: after))
            }
        }
        compare(
            "uid", user.map { .integer(Int($0.uid)) }, declaration.uid.map { .integer(Int($0)) })
        compare(
            "primary_group", user.map { _ in .string(observation.primaryGroup) },
            .optional(declaration.primaryGroup))
        if let groups = declaration.groups {
            let found = Set(observation.groups)
            let wanted = Set(groups).subtracting([observation.primaryGroup])
            let isRight =
                declaration.hasExactGroups ? found == wanted : found.isSuperset(of: wanted)
            let after = declaration.hasExactGroups ? wanted : found.union(wanted)
            if !isRight {
                compare(
                    "groups", user.map { _ in .strings(found.sorted()) }, .strings(after.sorted()))
            }
        }
        compare("home", .optional(user?.home), .optional(declaration.home))
        if user != nil, declaration.createsHome, observation.hasHome == .success(false) {
            changes.append(
                Change("create_home", layer: .onDisk, before: "missing", after: "present"))
        }
        compare("shell", .optional(user?.shell), .optional(declaration.shell))
        compare("comment", .optional(user?.comment), .optional(declaration.comment))
        return changes + UserPassword.changes(declaration, observation.password)
    }

    private static func diff(
        _ declaration: UserDeclaration, _ observation: Observation,
        elsewhere user: AccountFiles.User
    ) -> Difference {
        var known = observation
        known.user = user
        // Nothing of its password can be known here.
        let different = changes(declaration, known).map(\.attribute).filter {
            !["password", "locked", "create_home"].contains($0)
        }
        if !declaration.isAbsent, different.isEmpty, declaration.password == nil,
            declaration.isLocked == nil
        {
            return .asDeclared("uid \(user.uid), by a directory service")
        }
        let what =
            declaration.isAbsent
            ? "it is to be absent"
            : different.isEmpty ? "its password" : different.joined(separator: ", ")
        return .blocked(
            AgentFault(
                "elsewhere", "change user \(declaration.name)",
                cause: "a directory service has it, /etc/passwd has not; different: \(what)",
                hint: "change it there, or give this one another name"))
    }

    private static func reason(
        _ declaration: UserDeclaration, _ observation: Observation
    ) -> String {
        var parts = observation.user.map { ["uid \($0.uid)"] } ?? []
        if declaration.primaryGroup != nil { parts.append("group \(observation.primaryGroup)") }
        if declaration.groups != nil { parts.append("groups as declared") }
        if declaration.home != nil || declaration.shell != nil || declaration.comment != nil {
            parts.append("same entry")
        }
        if declaration.password != nil { parts.append("same password hash") }
        if let isLocked = declaration.isLocked { parts.append(isLocked ? "locked" : "not locked") }
        return parts.joined(separator: ", ")
    }

    package static func beforeImages(
        _ declaration: UserDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images = try AccountChange.beforeImages(
            declaration.name,
            in: [
                "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid",
                "/etc/subgid",
            ], on: host)
        // Its name stands in the lines of its groups as well.
        let groups = Set(observation.groups + (declaration.groups ?? []))
        for group in groups.sorted() where group != declaration.name {
            images += try AccountChange.beforeImages(
                group, in: ["/etc/group", "/etc/gshadow"], on: host)
        }
        return images
    }

    package static func apply(
        _ declaration: UserDeclaration, _ observation: Observation, changes: [Change], on host: Host
    ) throws(AgentFault) {
        let name = declaration.name
        let machine = host.machine
        if declaration.isAbsent {
            return try AccountChange.run(
                "/usr/sbin/userdel", (declaration.removesHome ? ["--remove"] : []) + [name],
                attempted: "remove user \(name)", on: machine)
        }
        // Looked at before anything is done, so that a bad hash leaves no half-made user.
        let password = try UserPassword.line(
            declaration, observation.password, changes, on: host)
        var options: [String] = []
        for change in changes {
            guard let value = change.after else { continue }
            let text = value.string ?? value.integer.map(String.init) ?? ""
            switch change.attribute {
            case "uid": options += ["--uid", text]
            case "primary_group": options += ["--gid", text]
            case "groups":
                let groups = (value.array ?? []).compactMap(\.string)
                options += ["--groups", groups.joined(separator: ",")]
            case "home": options += ["--home-dir", text]
            case "shell": options += ["--shell", text]
            case "comment": options += ["--comment", text]
            default: break
            }
        }
        if observation.user == nil {
            // A group of its name that is there already is the one that is meant.
            if declaration.primaryGroup == nil, observation.hasOwnGroup {
                options += ["--gid", name]
            }
            if declaration.isSystem { options.append("--system") }
            options.append(declaration.createsHome ? "--create-home" : "--no-create-home")
            try AccountChange.run(
                "/usr/sbin/useradd", options + [name], attempted: "create user \(name)", on: machine
            )
        } else if !options.isEmpty {
            try AccountChange.run(
                "/usr/sbin/usermod", options.map { $0 == "--home-dir" ? "--home" : $0 } + [name],
                attempted: "change user \(name)", on: machine)
        }
        if changes.contains(where: { $0.attribute == "create_home" }) {
            try createHome(declaration, on: machine)
        }
        if let password {
            try AccountChange.run(
                "/usr/sbin/chpasswd", ["--encrypted"], input: password,
                attempted: "set the password of \(name)", on: machine)
        }
        try UserPassword.lock(declaration, changes, on: machine)
    }

    private static func createHome(
        _ declaration: UserDeclaration, on machine: any Machine
    ) throws(AgentFault) {
        let name = declaration.name
        let attempted = "create the home of \(name)"
        let helper = "/usr/sbin/mkhomedir_helper"
        let hasHelper = try attempt("look for \(helper)") { () throws(SystemError) in
            try machine.statusIfPresent(helper) != nil
        }
        if hasHelper {
            return try AccountChange.run(helper, [name], attempted: attempted, on: machine)
        }
        let files = try AccountFiles(withPasswords: false, on: machine)
        guard let user = files.users[name] else { return }
        try attempt(attempted) { () throws(SystemError) in
            try machine.makeDirectory(user.home, mode: 0o700, uid: user.uid, gid: user.gid)
        }
    }
}

/// The password field of a user: a hash, perhaps locked; never shown, never in an argument.
enum UserPassword {
    /// The hash without the lock; nil where there is none by which anybody could log in.
    static func hash(of field: String?) -> String? {
        guard let field else { return nil }
        let hash = String(field.drop { $0 == "!" })
        return hash.isEmpty || hash == "*" ? nil : hash
    }

    /// Whether nobody can log in by password.
    ///
    /// An empty field lets everybody in.
    static func isLocked(_ field: String?) -> Bool {
        guard let field else { return true }
        return field.hasPrefix("!") || field.hasPrefix("*")
    }

    static func changes(_ declaration: UserDeclaration, _ field: String?) -> [Change] {
        var changes: [Change] = []
        if let wanted = declaration.password {
            let found = hash(of: field).map { Digest(of: $0.utf8) }
            if found != wanted {
                changes.append(
                    Change(
                        "password", before: found.map { ["secret": .string($0.description)] },
                        after: ["secret": .string(wanted.description)]))
            }
        }
        if let locked = declaration.isLocked, locked != isLocked(field) {
            changes.append(Change("locked", before: .bool(!locked), after: .bool(locked)))
        }
        return changes
    }

    /// What chpasswd(8) takes on its standard input; nil where the password stays.
    ///
    /// The lock goes with it, so that there is no moment without: where it is not managed, a lock
    /// outlives a new password.
    static func line(
        _ declaration: UserDeclaration, _ field: String?, _ changes: [Change], on host: Host
    ) throws(AgentFault) -> [UInt8]? {
        guard let digest = declaration.password,
            changes.contains(where: { $0.attribute == "password" })
        else { return nil }
        let hash = try host.blob(digest)
        // crypt(5): every method in use begins with a dollar sign. Plain text must not get in.
        guard hash.first == 36, hash.count >= 8,
            hash.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 58 && $0 != 33 && $0 != 42 })
        else {
            throw AgentFault(
                "not-a-hash", "set the password of \(declaration.name)",
                cause: "what is declared is not a hash of crypt(5)",
                hint: "`openssl passwd -6` or `mkpasswd` makes one")
        }
        let wasLocked = self.hash(of: field) != nil && isLocked(field)
        let lock: [UInt8] = declaration.isLocked ?? wasLocked ? [33] : []
        return Array("\(declaration.name):".utf8) + lock + hash + [10]
    }

    /// Locks or unlocks as declared, where no new password has done that.
    static func lock(
        _ declaration: UserDeclaration, _ changes: [Change], on machine: any Machine
    ) throws(AgentFault) {
        let wanted = Set(changes.map(\.attribute))
        guard wanted.contains("locked"), !wanted.contains("password"),
            let locks = declaration.isLocked
        else { return }
        try AccountChange.run(
            "/usr/sbin/usermod", [locks ? "--lock" : "--unlock", declaration.name],
            attempted: "\(locks ? "lock" : "unlock") the password of \(declaration.name)",
            on: machine)
    }
}
