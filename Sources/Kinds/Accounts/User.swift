import FleetModel
import Wire

/// A declared `user` in the host's own files (/etc/passwd, /etc/shadow).
package struct UserDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .user, "A local user: ids, groups, home, shell, password.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The login name.",
        attributes: [
            AttributeSchema(
                "uid", .integer(minimum: 0, maximum: AccountName.largestID), "The numeric id."),
            AttributeSchema(
                "primary_group", .string,
                "The primary group. Default: a new user gets a group with its own name."),
            AttributeSchema(
                "groups", .list(.string), "Supplementary groups. Default: they stay as they are."),
            AttributeSchema(
                "groups_exclusive", .boolean, default: false,
                "Whether the user is removed from every group not named in `groups`."),
            AttributeSchema("home", .path, "The home directory."),
            AttributeSchema(
                "create_home", .boolean,
                "Whether a missing home directory is created from /etc/skel. Default: true, but"
                    + " false"
                    + " for a system user."),
            AttributeSchema("shell", .path, "The login shell."),
            AttributeSchema("comment", .string, "The full name (GECOS field)."),
            AttributeSchema(
                "system", .boolean, default: false,
                "Whether a new user gets an id from the range for system users."),
            AttributeSchema(
                "password", .secret,
                "The hash of the password in crypt(5) format, never the password itself."),
            AttributeSchema(
                "locked", .boolean,
                "Whether password login is locked (`!` before the hash). SSH keys still work."),
            AttributeSchema(
                "remove_home", .boolean, default: false,
                "With `state: absent`: whether the home directory and mail are removed too."),
        ],
        notes: [
            "Only given attributes are compared. When the uid changes, files keep the earlier"
                + " uid; when"
                + " home changes, an existing home directory is not moved.",
            "A user that exists only in a directory service is compared but never changed: a"
                + " difference is a failure that names the reason.",
        ],
        example: """
            - user: trader
              uid: 2001
              groups: [onload]
              shell: /bin/bash
            """)

    package let name: String
    package let isAbsent: Bool
    package let uid: UInt32?
    package let primaryGroup: String?
    package let groups: [String]?
    package let hasExactGroups: Bool
    package let home: String?
    package let createsHome: Bool
    package let shell: String?
    package let comment: String?
    package let isSystem: Bool
    /// The digest of the password hash.
    package let password: Digest?
    package let isLocked: Bool?
    package let removesHome: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        try AccountName.check(name, nil)
        let reader = AttributeReader(attributes)
        self.name = name
        isAbsent = try reader.state(of: Self.schema) == "absent"
        uid = try reader.optionalInteger("uid").map(UInt32.init(clamping:))
        primaryGroup = try reader.optionalString("primary_group")
        groups = try reader.optionalStrings("groups")
        hasExactGroups = try reader.bool("groups_exclusive", default: false)
        home = try reader.optionalString("home")
        isSystem = try reader.bool("system", default: false)
        createsHome = try reader.optionalBool("create_home") ?? !isSystem
        shell = try reader.optionalString("shell")
        comment = try reader.optionalString("comment")
        password = try reader.optionalSecret("password")
        isLocked = try reader.optionalBool("locked")
        removesHome = try reader.bool("remove_home", default: false)
        try check()
    }

    private func check() throws(AttributeFault) {
        if let primaryGroup { try AccountName.check(primaryGroup, "primary_group") }
        for group in groups ?? [] { try AccountName.check(group, "groups") }
        if hasExactGroups, groups == nil {
            throw AttributeFault(
                "groups_exclusive", "groups_exclusive needs groups",
                hint: "write groups: [] for the primary group only")
        }
        for (attribute, text) in [("home", home), ("shell", shell), ("comment", comment)] {
            // The fields of /etc/passwd end at a colon, its records at a newline.
            if let text, text.utf8.contains(where: { $0 == 58 || $0 < 32 || $0 == 127 }) {
                throw AttributeFault(
                    attribute, "\(attribute) contains a colon or a control character",
                    hint: "/etc/passwd cannot store these characters")
            }
        }
        if removesHome, !isAbsent {
            throw AttributeFault("remove_home", "remove_home is only possible with state: absent")
        }
        if name == "root", isAbsent {
            throw AttributeFault("state", "root cannot be absent")
        }
        if name == "root", let uid, uid != 0 {
            throw AttributeFault("uid", "the uid of root must be 0")
        }
    }

    package var owns: [Claim] { [.user(name)] }

    /// Without `primary_group`, a new user gets a group with its own name.
    package var provides: [Claim] {
        primaryGroup == nil && !isAbsent ? [.group(name)] : []
    }

    package var needs: [Claim] {
        if isAbsent { return [] }
        return ([primaryGroup ?? name] + (groups ?? [])).map { .group($0) }
            + (shell.map { [.path($0)] } ?? [])
    }
}
