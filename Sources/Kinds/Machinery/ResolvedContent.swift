import Wire

/// Content that the controller has turned into a blob: of a unit, a key, a package archive.
///
/// In a plan it is `content_digest`, `content_size` and, where it stems from a secret,
/// `content_secret`.
package struct ResolvedContent: Sendable, Equatable {
    /// The names of the attributes that it is in.
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

    /// What the attributes say; nil where they name no content.
    package init?(_ reader: AttributeReader) throws(AttributeFault) {
        guard let digest = try reader.optionalDigest("content_digest") else { return nil }
        guard let size = try reader.optionalInteger("content_size"), size >= 0 else {
            throw AttributeFault("content_size", "content_size is missing beside content_digest")
        }
        self.digest = digest
        self.size = size
        isSecret = try reader.bool("content_secret", default: false)
    }
}
