import FleetModel
import Wire

/// A declared `symlink`.
package struct SymlinkDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .symlink, "A symbolic link and where it points.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .path, remains: .listed, rivals: []),
        nameType: .path,
        nameSummary: "The path of the link itself.",
        attributes: [
            AttributeSchema(
                "target", .string,
                "What the link holds: an absolute path, or one relative to the link's directory. "
                    + "Required unless the link is to be absent.")
        ],
        notes: [
            "The link is replaced atomically. A regular file in its place is replaced too, and kept "
                + "for a rollback; a directory in its place is a fault. The target need not exist."
        ],
        example: """
            - symlink: /opt/feed/current
              target: releases/4.2.1
            """)

    package let path: String
    package let isPresent: Bool
    /// As stored in the link; nil only where it is to be absent.
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
            try reader.refuse(["target"], because: "for a link that is to be absent")
            return
        }
        guard let target else {
            throw AttributeFault(
                "target", "the link \(path) has no target", hint: "give target: PATH")
        }
        if target.isEmpty || target.utf8.count > 4095 {
            throw AttributeFault("target", "a link's target has 1 to 4095 bytes")
        }
        if target == path {
            throw AttributeFault("target", "the link \(path) would point to itself")
        }
    }

    package var owns: [Claim] { [.path(path)] }
    package var needs: [Claim] { Claim.directories(above: path) }
}
