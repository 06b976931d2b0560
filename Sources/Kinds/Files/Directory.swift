import FleetModel
import Wire

/// A declared `directory`.
package struct DirectoryDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .directory, "A directory, its mode and owner, and nothing else in it where it is purged.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .path, remains: .listed, rivals: [],
            ownsWholeFiles: false),
        nameType: .path, nameSummary: "The path of the directory.",
        attributes: [
            PathAttributes.mode, PathAttributes.owner, PathAttributes.ownerGroup,
            AttributeSchema(
                "purge", .boolean, default: false,
                "Removes what is in the directory and not declared. With state: absent, removes a "
                    + "directory that is not empty."),
            AttributeSchema(
                "purge_except", .list(.string),
                "Names that purge leaves alone; * and ? stand for any characters and any one."),
            AttributeSchema(
                "purge_limit", .integer(minimum: 1, maximum: 1000), default: 100,
                "The most files and directories that purge removes; more is a fault and removes none."
            ),
        ],
        computedAttributes: ["purge_declared"],
        notes: [
            "The directory it lies in must be there; declare that one too.",
            "Purge looks at the directory's own entries. One that is declared, or that holds "
                + "something declared, stays with all that is in it; any other goes with all that is "
                + "in it. It never crosses into another file system, and every path that would go is "
                + "listed. Entries with a .muster- name are leftovers of an interrupted write.",
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
    /// Patterns of names that stay.
    package let exceptions: [String]
    /// Names in the directory at or below which something is declared.
    package let declaredNames: Set<String>

    /// Besides the schema's attributes reads `purge_declared`, which the controller computes with
    /// ``Claim/names(in:of:)`` over everything the host is declared to have.
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
                because: "for a directory that is to be absent")
        }
        if !exceptions.isEmpty && !purges {
            throw AttributeFault("purge_except", "purge_except without purge: true does nothing")
        }
        if (purges || !isPresent) && DirectoryDeclaration.isSystems(path) {
            throw AttributeFault(
                purges ? "purge" : "state", "\(path) is the system's and may not be emptied",
                hint: "name a directory below it that is yours alone")
        }
    }

    /// Directories that packages and the system itself fill.
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
