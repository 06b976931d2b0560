import FleetModel
import Kinds
import Linux
import Wire

/// Behaviour of `group`: reads /etc/group directly, changes it with groupadd(8) and groupmod(8).
package enum GroupBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var group: AccountFiles.Group?
        /// The gid in a directory service, if only the service knows the group.
        var gidElsewhere: UInt32?
        /// Another group that already has the declared gid.
        var gidTakenBy: String?
        /// Declared members that neither the account files nor getent know.
        var unknownMembers: [String]
        /// A user whose primary group is this one.
        var primaryOf: String?
    }

    package static func observe(
        _ declarations: [GroupDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let files: AccountFiles
        let elsewhere: [String: UInt32]
        let usersElsewhere: [String: AccountFiles.User]
        do throws(AgentFault) {
            files = try AccountFiles(withPasswords: false, on: host.machine)
            elsewhere = try files.elsewhere(groups: declarations.map(\.name), on: host.machine)
            usersElsewhere = try files.elsewhere(
                users: declarations.flatMap { $0.members ?? [] }, on: host.machine)
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return declarations.map { declaration in
            let group = files.groups[declaration.name]
            let holder = declaration.gid.flatMap { files.groupNames[$0] }
            return .success(
                Observation(
                    group: group, gidElsewhere: elsewhere[declaration.name],
                    gidTakenBy: holder == declaration.name ? nil : holder,
                    unknownMembers: (declaration.members ?? []).filter {
                        files.users[$0] == nil && usersElsewhere[$0] == nil
                    },
                    primaryOf: group.flatMap { group in
                        files.users.values.filter { $0.gid == group.gid }.map(\.name).min()
                    }))
        }
    }

    package static func diff(
        _ declaration: GroupDeclaration, _ observation: Observation
    ) -> Difference {
        let name = declaration.name
        if let gid = observation.gidElsewhere { return diff(declaration, elsewhere: gid) }
        if declaration.isAbsent {
            guard observation.group != nil else { return .asDeclared("no such group") }
            if let user = observation.primaryOf {
                return .blocked(
                    AgentFault(
                        "in-use", "remove group \(name)",
                        cause: "it is the primary group of \(user)",
                        hint: "declare that user absent, or give it another primary_group"))
            }
            return .changes([Change("state", before: "present", after: "absent")])
        }
        var changes: [Change] = []
        if let group = observation.group {
            if let gid = declaration.gid, gid != group.gid {
                changes.append(
                    Change("gid", before: .integer(Int(group.gid)), after: .integer(Int(gid))))
            }
        } else {
            changes.append(Change("state", before: "absent", after: "present"))
            if let gid = declaration.gid {
                changes.append(Change("gid", before: nil, after: .integer(Int(gid))))
            }
        }
        if !changes.isEmpty, let holder = observation.gidTakenBy, let gid = declaration.gid {
            return .blocked(
                AgentFault(
                    "gid-taken", "give group \(name) the gid \(gid)",
                    cause: "group \(holder) has this gid", hint: "choose another gid"))
        }
        if let change = memberChange(declaration, observation) {
            if let unknown = observation.unknownMembers.first {
                return .blocked(
                    AgentFault(
                        "no-user", "put \(unknown) into group \(name)", cause: "no user \(unknown)",
                        hint: "declare it, or correct the name"))
            }
            changes.append(change)
        }
        if !changes.isEmpty { return .changes(changes) }
        let gid = observation.group.map { "gid \($0.gid)" } ?? ""
        return .asDeclared(declaration.members == nil ? gid : "\(gid), members as declared")
    }

    private static func diff(_ declaration: GroupDeclaration, elsewhere gid: UInt32) -> Difference {
        let isRight = !declaration.isAbsent && (declaration.gid ?? gid) == gid
        if isRight, declaration.members == nil {
            return .asDeclared("gid \(gid), by a directory service")
        }
        return .blocked(
            AgentFault(
                "elsewhere", "change group \(declaration.name)",
                cause: "the group is in a directory service with gid \(gid), not in /etc/group",
                hint: "change it in the directory service, or declare another name"))
    }

    private static func memberChange(
        _ declaration: GroupDeclaration, _ observation: Observation
    ) -> Change? {
        guard let members = declaration.members else { return nil }
        let found = Set(observation.group?.members ?? [])
        let wanted = Set(members)
        let isRight = declaration.hasExactMembers ? found == wanted : found.isSuperset(of: wanted)
        if isRight { return nil }
        let after = declaration.hasExactMembers ? wanted : found.union(wanted)
        return Change("members", before: .strings(found.sorted()), after: .strings(after.sorted()))
    }

    package static func beforeImages(
        _ declaration: GroupDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        try AccountChange.beforeImages(
            declaration.name, in: ["/etc/group", "/etc/gshadow"], on: host)
    }

    package static func apply(
        _ declaration: GroupDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let name = declaration.name
        let machine = host.machine
        if declaration.isAbsent {
            return try AccountChange.run(
                "/usr/sbin/groupdel", [name], attempted: "remove group \(name)", on: machine)
        }
        let gid = declaration.gid.map { ["--gid", String($0)] } ?? []
        if observation.group == nil {
            try AccountChange.run(
                "/usr/sbin/groupadd", gid + (declaration.isSystem ? ["--system"] : []) + [name],
                attempted: "create group \(name)", on: machine)
        } else if changes.contains(where: { $0.attribute == "gid" }) {
            try AccountChange.run(
                "/usr/sbin/groupmod", gid + [name], attempted: "change group \(name)", on: machine)
        }
        guard let change = changes.first(where: { $0.attribute == "members" }) else { return }
        let after = (change.after?.array ?? []).compactMap(\.string)
        try AccountChange.run(
            "/usr/bin/gpasswd", ["--members", after.joined(separator: ","), name],
            attempted: "set the members of group \(name)", on: machine)
    }
}
