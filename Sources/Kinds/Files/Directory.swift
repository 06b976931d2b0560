import FleetModel
import Wire

/// A declared `directory`.
package struct DirectoryDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .directory, "A directory: its mode and owner; with purge, undeclared entries are removed.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .path, remains: .listed, rivals: [],
            ownsWholeFiles: false),
        nameType: .path, nameSummary: "The path of the directory.",
        attributes: [
            PathAttributes.mode, PathAttributes.owner, PathAttributes.ownerGroup,
            AttributeSchema(
                "purge", .boolean, default: false,
                "Removes entries of the directory that are not declared. With state: absent,"
                    + " removes "
                    + "the directory even if it is not empty."),
            AttributeSchema(
                "purge_except", .list(.string),
                "Names that purge keeps; * matches any characters, ? matches any one character."),
            AttributeSchema(
                "purge_limit", .integer(minimum: 1, maximum: 1000), default: 100,
                "The maximum number of entries that purge removes; if there are more, none is"
                    + " removed."
            ),
        ],
        computedAttributes: ["purge_declared"],
        notes: [
            "The parent directory must exist; declare it too.",
            "purge looks at the direct entries of the directory. An entry that is declared, or"
                + " that "
                + "contains something declared, is kept with all its contents; any other entry is "
                + "removed with all its contents. purge never crosses into another file system,"
                + " and "
                + "the plan lists every path to be removed. Entries named .muster-… are leftovers"
                + " of "
                + "an interrupted write.",
        ],
        example: """
            - directory: /etc/feed.d
              mode: "0750"
              owner_group: trading
              purge: true
              purge_except: ["*.local"]
            """)

    package let path: String
    package let isPresent: Bool
    package let mode: UInt32?
    package let owner: String?
    package let ownerGroup: String?
    package let purges: Bool
    package let purgeLimit: Int
    /// Patterns of names that purge keeps.
    package let exceptions: [String]
    /// Names of entries that are declared or contain something declared.
    package let declaredNames: Set<String>

    /// Reads the attributes of the schema, and `purge_declared`.
    ///
    /// The controller computes `purge_declared` with ``Claim/names(in:of:)`` from all declarations
    /// of the host.
    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        path = name
        guard path.hasPrefix("/") else {
            throw AttributeFault(nil, "\"\(name)\" is not the path of a directory")
        }
        isPresent = try reader.state(of: DirectoryDeclaration.schema) == "present"
        mode = try reader.optionalMode("mode")
        owner = try PathAttributes.account("owner", of: reader)
        ownerGroup = try PathAttributes.account("owner_group", of: reader)
        purges = try reader.bool("purge", default: false)
        purgeLimit = try reader.optionalInteger("purge_limit") ?? 100
        exceptions = try reader.optionalStrings("purge_except") ?? []
        declaredNames = Set(try reader.optionalStrings("purge_declared") ?? [])
        if !isPresent {
            try reader.refuse(
                ["mode", "owner", "owner_group", "purge_except"],
                because: "for an absent directory")
        }
        if !exceptions.isEmpty && !purges {
            throw AttributeFault("purge_except", "purge_except without purge: true does nothing")
        }
        if (purges || !isPresent) && DirectoryDeclaration.isSystems(path) {
            throw AttributeFault(
                purges ? "purge" : "state", "\(path) belongs to the system and may not be emptied",
                hint: "use a directory below it that only this declaration fills")
        }
    }

    /// Whether packages or the system itself fill the directory.
    private static func isSystems(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        if parts.count <= 1 { return true }
        if ["usr", "proc", "sys", "dev"].contains(parts[0]) {
            return parts[0] != "usr" || parts.count == 2
                || (parts.count == 3 && parts[1] == "local")
        }
        let own = ["/var/lib", "/var/log", "/var/cache", "/etc/systemd", "/etc/ssh", "/etc/pam.d"]
        return own.contains(path) || path == "/var/lib/dpkg" || path == AgentDirectory.standard
    }

    package var owns: [Claim] { [.path(path)] }

    package var purgedDirectory: String? { purges ? path : nil }

    package var needs: [Claim] {
        Claim.directories(above: path) + Claim.ownership(owner: owner, group: ownerGroup)
    }
}
