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
                "The whole content as text. One of content, template and source at most."),
            AttributeSchema(
                "template", .string, resolvedByController: true,
                "A template of the role's templates folder that gives the content."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "A file of the role's files folder that is the content, byte for byte."),
            PathAttributes.mode, PathAttributes.owner, PathAttributes.ownerGroup,
            AttributeSchema(
                "validate", .list(.string),
                "A program with its arguments that must exit 0 before new content is put in place. "
                    + "\"%s\" stands for the path of the candidate, which lies beside the file."),
        ],
        notes: [
            "Without content, template or source only the mode and owner of a file that is there "
                + "are managed.",
            "New content is written beside the file, flushed and renamed: a reader sees the old or "
                + "the new. A symbolic link at the path is never followed: where content is declared "
                + "the file takes its place, else it is refused.",
            "Content that stems from a secret is never shown in a difference; a digest is. Its mode is "
                + "0600 where none is declared.",
        ],
        example: """
            - file: /etc/sudoers.d/trading
              content: "%trading ALL=(root) NOPASSWD: /usr/bin/systemctl restart feed\\n"
              mode: "0440"
              validate: [/usr/sbin/visudo, -cf, "%s"]
            """)

    /// The bytes a file is to have.
    package struct Content: Sendable, Equatable {
        package var digest: Digest
        package var size: Int
        package var isSecret: Bool
    }

    package let path: String
    package let isPresent: Bool
    /// Nil where the content is not managed.
    package let content: Content?
    /// Nil where it is not managed.
    package let mode: UInt32?
    package let owner: String?
    package let ownerGroup: String?
    /// The program and its arguments; empty where nothing validates.
    package let validate: [String]

    /// Besides the schema's attributes reads what the controller resolves content to:
    /// `content_digest` (hexadecimal SHA-256), `content_size` (bytes), and `content_secret` (true
    /// where it stems from a secret).
    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        path = name
        guard path.hasPrefix("/") && path != "/" else {
            throw AttributeFault(nil, "\"\(name)\" is not the path of a file")
        }
        for kernel in ["/proc/", "/sys/", "/dev/"] where path.hasPrefix(kernel) {
            throw AttributeFault(
                nil, "\(path) is no file on a disk",
                hint: kernel == "/proc/" ? "declare a sysctl for what is below /proc/sys" : nil)
        }
        isPresent = try reader.state(of: FileDeclaration.schema) == "present"
        if let digest = try reader.optionalDigest("content_digest") {
            guard let size = try reader.optionalInteger("content_size"), size >= 0 else {
                throw AttributeFault(
                    "content_size", "content_size is missing beside content_digest")
            }
            content = Content(
                digest: digest, size: size,
                isSecret: try reader.bool("content_secret", default: false))
        } else {
            content = nil
        }
        // A secret is not left to whatever mode the file happens to have.
        mode = try reader.optionalMode("mode") ?? (content?.isSecret == true ? 0o600 : nil)
        owner = try PathAttributes.account("owner", of: reader)
        ownerGroup = try PathAttributes.account("owner_group", of: reader)
        validate = try reader.optionalStrings("validate") ?? []
        let resolved = ["content", "template", "source"]
        if !isPresent {
            try reader.refuse(
                resolved + ["content_digest", "mode", "owner", "owner_group", "validate"],
                because: "for a file that is to be absent")
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
            throw AttributeFault("validate", "validate has no content to look at")
        }
        if !program.hasPrefix("/") {
            throw AttributeFault(
                "validate", "the program \"\(program)\" is not an absolute path",
                hint: "there is no search path and no shell: write /usr/sbin/visudo")
        }
        if !validate.contains(where: { $0.contains("%s") }) {
            throw AttributeFault(
                "validate", "validate does not name the candidate", hint: "put \"%s\" in its place")
        }
    }

    package var owns: [Claim] { [.path(path)] }

    package var needs: [Claim] {
        Claim.directories(above: path) + Claim.ownership(owner: owner, group: ownerGroup)
    }
}
