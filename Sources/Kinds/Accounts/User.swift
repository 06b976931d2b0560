import FleetModel
import Wire

/// A declared `user` of the host's own files (/etc/passwd, /etc/shadow).
package struct UserDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .user, "A user of the host: ids, groups, home, shell, password.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The login name.",
        attributes: [
            AttributeSchema(
                "uid", .integer(minimum: 0, maximum: AccountName.largestID), "The numeric id."),
            AttributeSchema(
                "primary_group", .string,
                "The primary group. Not given: a new user gets one of its own name."),
            AttributeSchema(
                "groups", .list(.string), "Supplementary groups. Not given: left as they are."),
            AttributeSchema(
                "groups_exclusive", .boolean, default: false,
                "Whether it is taken out of every group not named in `groups`."),
            AttributeSchema("home", .path, "The home directory."),
            AttributeSchema(
                "create_home", .boolean,
                "Whether a missing home is made, from /etc/skel. Not given: yes, but not for a system"
                    + " user."),
            AttributeSchema("shell", .path, "The login shell."),
            AttributeSchema("comment", .string, "The full name, the GECOS field."),
            AttributeSchema(
                "system", .boolean, default: false,
                "Whether a new user takes its id from the range for system users."),
            AttributeSchema(
                "password", .secret,
                "The password's hash, as crypt(5) writes it; never the password."),
            AttributeSchema(
                "locked", .boolean,
                "Whether logging in by password is locked (`!` before the hash). Keys still work."),
            AttributeSchema(
                "remove_home", .boolean, default: false,
                "With `state: absent`: whether its home and mail are removed as well."),
        ],
        notes: [
            "Only what is given is compared. Nothing is done to files that the user owned under an"
                + " earlier uid, and an existing home is not moved.",
            "A user that only a directory service knows is compared and never changed: what differs is"
                + " a failure that says so.",
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
    /// The digest of the hash.
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
                hint: "groups: [] for none but the primary one")
        }
        for (attribute, text) in [("home", home), ("shell", shell), ("comment", comment)] {
            // The fields of /etc/passwd end at a colon, its records at a newline.
            if let text, text.utf8.contains(where: { $0 == 58 || $0 < 32 || $0 == 127 }) {
                throw AttributeFault(
                    attribute, "\(attribute) holds a colon or a control character",
                    hint: "/etc/passwd cannot hold it")
            }
        }
        if removesHome, !isAbsent {
            throw AttributeFault("remove_home", "remove_home goes with state: absent")
        }
        if name == "root", isAbsent {
            throw AttributeFault("state", "root cannot be absent")
        }
        if name == "root", let uid, uid != 0 {
            throw AttributeFault("uid", "the uid of root is 0")
        }
    }

    package var owns: [Claim] { [.user(name)] }

    /// A new user brings a group of its own name.
    package var provides: [Claim] {
        primaryGroup == nil && !isAbsent ? [.group(name)] : []
    }

    package var needs: [Claim] {
        if isAbsent { return [] }
        return ([primaryGroup ?? name] + (groups ?? [])).map { .group($0) }
            + (shell.map { [.path($0)] } ?? [])
    }
}
