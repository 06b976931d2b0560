import FleetModel
import Wire

/// A declared `file`: a regular file, its content, owner and mode.
package struct FileDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .file, "A regular file: its content, mode and owner.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .path, remains: .listed, rivals: []),
        nameType: .path,
        nameSummary: "The path of the file.",
        attributes: [
            AttributeSchema(
                "content", .string, resolvedByController: true,
                "The whole content as text. Give at most one of content, template and source."),
            AttributeSchema(
                "template", .string, resolvedByController: true,
                "A template in the role's templates folder that is rendered to the content."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "A file in the role's files folder that is copied byte for byte."),
            PathAttributes.mode, PathAttributes.owner, PathAttributes.ownerGroup,
            AttributeSchema(
                "validate", .list(.string),
                "A program with its arguments that must exit 0 before new content is put in place. "
                    + "\"%s\" stands for the path of the candidate, in the same directory."),
        ],
        notes: [
            "Without content, template or source, only the mode and owner of an existing file are "
                + "managed.",
            "New content is written to a temporary file in the same directory, flushed and"
                + " renamed, so "
                + "readers see either the old or the new content. A symbolic link at the path is"
                + " never "
                + "followed: if content is declared, the file replaces the link, else it is a"
                + " fault.",
            "Content that comes from a secret is never shown in a difference, only its digest."
                + " Its mode "
                + "is 0600 unless another is declared.",
        ],
        example: """
            - file: /etc/sudoers.d/trading
              content: "%trading ALL=(root) NOPASSWD: /usr/bin/systemctl restart feed\\n"
              mode: "0440"
              validate: [/usr/sbin/visudo, -cf, "%s"]
            """)

    /// The declared content of a file.
    package struct Content: Sendable, Equatable {
        package var digest: Digest
        package var size: Int
        package var isSecret: Bool
    }

    package let path: String
    package let isPresent: Bool
    /// Nil if the content is not managed.
    package let content: Content?
    /// Nil if the mode is not managed.
    package let mode: UInt32?
    package let owner: String?
    package let ownerGroup: String?
    /// The validating program and its arguments; empty if there is none.
    package let validate: [String]

    /// Reads the attributes of the schema, and those to which the controller resolves content.
    ///
    /// These are `content_digest` (hexadecimal SHA-256), `content_size` (bytes) and
    /// `content_secret` (true if the content comes from a secret).
    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        path = name
        guard path.hasPrefix("/") && path != "/" else {
            throw AttributeFault(nil, "\"\(name)\" is not the path of a file")
        }
        for kernel in ["/proc/", "/sys/", "/dev/"] where path.hasPrefix(kernel) {
            throw AttributeFault(
                nil, "\(path) is not a file on disk",
                hint: kernel == "/proc/" ? "declare a sysctl for a file below /proc/sys" : nil)
        }
        isPresent = try reader.state(of: FileDeclaration.schema) == "present"
        if let digest = try reader.optionalDigest("content_digest") {
            guard let size = try reader.optionalInteger("content_size"), size >= 0 else {
                throw AttributeFault(
                    "content_size", "content_digest is given without a valid content_size")
            }
            content = Content(
                digest: digest, size: size,
                isSecret: try reader.bool("content_secret", default: false))
        } else {
            content = nil
        }
        // Without a declared mode, a secret must not keep the mode of an existing file.
        mode = try reader.optionalMode("mode") ?? (content?.isSecret == true ? 0o600 : nil)
        owner = try PathAttributes.account("owner", of: reader)
        ownerGroup = try PathAttributes.account("owner_group", of: reader)
        validate = try reader.optionalStrings("validate") ?? []
        let resolved = ["content", "template", "source"]
        if !isPresent {
            try reader.refuse(
                resolved + ["content_digest", "mode", "owner", "owner_group", "validate"],
                because: "for an absent file")
        } else if content == nil && mode == nil && owner == nil && ownerGroup == nil {
            throw AttributeFault(
                nil, "file \(path) declares nothing to manage",
                hint: "give content, template, source, mode or an owner")
        }
        try checkValidate()
    }

    private func checkValidate() throws(AttributeFault) {
        guard let program = validate.first else { return }
        if content == nil {
            throw AttributeFault("validate", "validate is given, but no content to validate")
        }
        if !program.hasPrefix("/") {
            throw AttributeFault(
                "validate", "the program \"\(program)\" is not an absolute path",
                hint: "no search path and no shell are used: write /usr/sbin/visudo")
        }
        if !validate.contains(where: { $0.contains(text: "%s") }) {
            throw AttributeFault(
                "validate", "validate has no \"%s\"", hint: "add \"%s\", the path of the candidate")
        }
    }

    package var owns: [Claim] { [.path(path)] }

    package var needs: [Claim] {
        Claim.directories(above: path) + Claim.ownership(owner: owner, group: ownerGroup)
    }
}
