import FleetModel
import Wire

/// A declared `group` of the host's own file (/etc/group).
package struct GroupDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .group, "A group of the host.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The group's name.",
        attributes: [
            AttributeSchema(
                "gid", .integer(minimum: 0, maximum: AccountName.largestID), "The numeric id."),
            AttributeSchema(
                "system", .boolean, default: false,
                "Whether a new group takes its id from the range for system groups."),
            AttributeSchema(
                "members", .list(.string),
                "Users that are in it, by its entry. Not given: left as they are."),
            AttributeSchema(
                "members_exclusive", .boolean, default: false,
                "Whether every user not named in `members` is taken out."),
        ],
        notes: [
            "Nothing is done to files that belong to an earlier gid.",
            "A group cannot go while it is some user's primary one.",
            "Use `members` here or `groups` of the users, not both: the last applied wins.",
        ],
        example: """
            - group: onload
              gid: 3001
            """)

    package let name: String
    package let isAbsent: Bool
    package let gid: UInt32?
    package let isSystem: Bool
    package let members: [String]?
    package let hasExactMembers: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try AccountName.check(name, nil)
        let reader = AttributeReader(attributes)
        self.name = name
        isAbsent = try reader.state(of: Self.schema) == "absent"
        gid = try reader.optionalInteger("gid").map(UInt32.init(clamping:))
        isSystem = try reader.bool("system", default: false)
        members = try reader.optionalStrings("members")
        hasExactMembers = try reader.bool("members_exclusive", default: false)
        for member in members ?? [] { try AccountName.check(member, "members") }
        if hasExactMembers, members == nil {
            throw AttributeFault(
                "members_exclusive", "members_exclusive needs members",
                hint: "members: [] for none")
        }
        if name == "root", isAbsent { throw AttributeFault("state", "root cannot be absent") }
    }

    package var owns: [Claim] { [.group(name)] }

    package var needs: [Claim] { isAbsent ? [] : (members ?? []).map { .user($0) } }
}
