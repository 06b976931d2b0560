import Wire

/// Content that the controller has stored as a blob: of a unit, a key, a package archive.
///
/// A plan has it as `content_digest`, `content_size` and, if the content comes from a secret,
/// `content_secret`.
package struct ResolvedContent: Sendable, Equatable {
    /// The names of these attributes.
    static let attributes: Set<String> = ["content_digest", "content_size", "content_secret"]

    package let digest: Digest
    /// In bytes.
    package let size: Int
    package let isSecret: Bool

    package init(digest: Digest, size: Int, isSecret: Bool = false) {
        self.digest = digest
        self.size = size
        self.isSecret = isSecret
    }

    /// Reads the attributes; nil if they have no content.
    package init?(_ reader: AttributeReader) throws(AttributeFault) {
        guard let digest = try reader.optionalDigest("content_digest") else { return nil }
        guard let size = try reader.optionalInteger("content_size"), size >= 0 else {
            throw AttributeFault(
                "content_size", "content_digest is given without a valid content_size")
        }
        self.digest = digest
        self.size = size
        isSecret = try reader.bool("content_secret", default: false)
    }
}
