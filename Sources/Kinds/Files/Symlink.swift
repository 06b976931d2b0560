import FleetModel
import Wire

/// A declared `symlink`.
package struct SymlinkDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .symlink, "A symbolic link and its target.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .path, remains: .listed, rivals: []),
        nameType: .path,
        nameSummary: "The path of the link itself.",
        attributes: [
            AttributeSchema(
                "target", .string,
                "The target: an absolute path, or a path relative to the directory of the link. "
                    + "Required unless state is absent.")
        ],
        notes: [
            "The link is replaced atomically. A regular file at the path is replaced too, and"
                + " kept for "
                + "a rollback; a directory at the path is a fault. The target need not exist."
        ],
        example: """
            - symlink: /opt/feed/current
              target: releases/4.2.1
            """)

    package let path: String
    package let isPresent: Bool
    /// The text stored in the link; nil only for an absent link.
    package let target: String?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        path = name
        guard path.hasPrefix("/") && path != "/" else {
            throw AttributeFault(nil, "\"\(name)\" is not the path of a link")
        }
        isPresent = try reader.state(of: SymlinkDeclaration.schema) == "present"
        target = try reader.optionalString("target")
        guard isPresent else {
            try reader.refuse(["target"], because: "for an absent link")
            return
        }
        guard let target else {
            throw AttributeFault(
                "target", "the link \(path) has no target", hint: "give target: PATH")
        }
        if target.isEmpty || target.utf8.count > 4095 {
            throw AttributeFault("target", "target must have 1 to 4095 bytes")
        }
        if target == path {
            throw AttributeFault("target", "the link \(path) would point to itself")
        }
    }

    package var owns: [Claim] { [.path(path)] }
    package var needs: [Claim] { Claim.directories(above: path) }
}
