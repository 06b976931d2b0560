import Testing

@testable import Wire

@Suite struct Base64Tests {
    /// The vectors of RFC 4648, section 10.
    private static let vectors = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: vectors)
    func goesThereAndBack(text: String, encoded: String) {
        let bytes = Array(text.utf8)
        #expect(Base64.encode(bytes) == encoded)
        #expect(Base64.encode(bytes, padded: false) == String(encoded.prefix { $0 != "=" }))
        #expect(Base64.decode(encoded) == bytes)
        #expect(Base64.decode(encoded.prefix { $0 != "=" }) == bytes)
        #expect(Base64.decode(canonical: encoded) == bytes)
    }

    /// What sshd's own reader refuses, `b64_pton` of the C library.
    @Test(arguments: ["Zg", "Zg=", "Zh==", "Zg==Zg==", "Zm9v\n", "Zm9-", "Z", "===="])
    func onlyTheCanonicalFormIsCanonical(text: String) {
        #expect(Base64.decode(canonical: text) == nil)
    }
}
