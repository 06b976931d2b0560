import FleetModel
import Wire

/// A declared `group` in the host's own /etc/group.
package struct GroupDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .group, "A local group: its gid and members.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The group's name.",
        attributes: [
            AttributeSchema(
                "gid", .integer(minimum: 0, maximum: AccountName.largestID), "The numeric id."),
            AttributeSchema(
                "system", .boolean, default: false,
                "Whether a new group gets an id from the range for system groups."),
            AttributeSchema(
                "members", .list(.string),
                "Users listed as members in its entry. Default: members stay as they are."),
            AttributeSchema(
                "members_exclusive", .boolean, default: false,
                "Whether users not named in `members` are removed from the group."),
        ],
        notes: [
            "When the gid changes, files with the earlier gid keep it.",
            "A group cannot be removed while it is the primary group of a user.",
            "Use either `members` here or `groups` of the user kind: if both are given and"
                + " disagree,"
                + " the one applied last wins.",
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
                hint: "write members: [] for no members")
        }
        if name == "root", isAbsent { throw AttributeFault("state", "root cannot be absent") }
    }

    package var owns: [Claim] { [.group(name)] }

    package var needs: [Claim] { isAbsent ? [] : (members ?? []).map { .user($0) } }
}
