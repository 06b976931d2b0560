import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `user`: reads the account files directly, changes them with useradd(8) and others.
package enum UserBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var user: AccountFiles.User?
        /// The entry in a directory service, if only the service knows the user.
        var elsewhere: AccountFiles.User?
        var primaryGroup = ""
        /// The supplementary groups of the user, sorted.
        var groups: [String] = []
        /// The second field of the user's line in /etc/shadow.
        var password: String?
        /// Another user that already has the declared uid.
        var uidTakenBy: String?
        /// Declared groups that do not exist.
        var missingGroups: [String] = []
        /// Whether a group with the user's own name exists.
        var hasOwnGroup = false
        /// Whether the home directory exists, or why it could not be checked.
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
                return .unknown("the home cannot be checked: \(error.reason)")
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
                    "no-password",
                    "the user has no password and could log in without one if unlocked",
                    "declare a password, or leave `locked` out")
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
        // The password in a directory service cannot be read.
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
            ? "state"
            : different.isEmpty ? "password" : different.joined(separator: ", ")
        return .blocked(
            AgentFault(
                "elsewhere", "change user \(declaration.name)",
                cause: "the user is in a directory service, not in /etc/passwd; different: \(what)",
                hint: "change it in the directory service, or declare another name"))
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
        // The lines of the user's groups contain its name too.
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
        // The hash is checked first, so that a bad one leaves no half-made user.
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
            // If a group with the user's name exists, it becomes the primary group.
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

/// The password field of a user: a hash, perhaps locked.
///
/// It is never shown, and never an argument of a program.
enum UserPassword {
    /// The hash without the `!` of the lock; nil if there is no hash to log in with.
    static func hash(of field: String?) -> String? {
        guard let field else { return nil }
        let hash = String(field.drop { $0 == "!" })
        return hash.isEmpty || hash == "*" ? nil : hash
    }

    /// Whether nobody can log in with a password.
    ///
    /// An empty field is not locked: it allows a login without a password.
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

    /// The line for the standard input of chpasswd(8); nil if the password does not change.
    ///
    /// The line includes the `!` of the lock, so that the account is never unlocked in between.
    /// Where `locked` is not declared, a locked password stays locked.
    static func line(
        _ declaration: UserDeclaration, _ field: String?, _ changes: [Change], on host: Host
    ) throws(AgentFault) -> [UInt8]? {
        guard let digest = declaration.password,
            changes.contains(where: { $0.attribute == "password" })
        else { return nil }
        let hash = try host.blob(digest)
        // crypt(5): every hash in use begins with a dollar sign. Plain text must be refused.
        guard hash.first == 36, hash.count >= 8,
            hash.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 58 && $0 != 33 && $0 != 42 })
        else {
            throw AgentFault(
                "not-a-hash", "set the password of \(declaration.name)",
                cause: "the declared password is not a hash of crypt(5)",
                hint: "create one with `openssl passwd -6` or `mkpasswd`")
        }
        let wasLocked = self.hash(of: field) != nil && isLocked(field)
        let lock: [UInt8] = declaration.isLocked ?? wasLocked ? [33] : []
        return Array("\(declaration.name):".utf8) + lock + hash + [10]
    }

    /// Locks or unlocks as declared, unless a new password was set, which includes the lock.
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
