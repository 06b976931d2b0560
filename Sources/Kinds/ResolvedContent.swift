import Wire

/// Content that the controller has turned into a blob: of a unit, a key, a package archive.
///
/// In a plan it is `content_digest` and `content_size`; a secret one is
/// `content_digest: {"secret": DIGEST}`.
package struct ResolvedContent: Sendable, Equatable {
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
        guard reader.has("content_digest") else { return nil }
        if let secret = try? reader.optionalSecret("content_digest") {
            digest = secret
            isSecret = true
        } else {
            guard let plain = try reader.optionalDigest("content_digest") else { return nil }
            digest = plain
            isSecret = false
        }
        size = try reader.optionalInteger("content_size") ?? 0
    }
}
