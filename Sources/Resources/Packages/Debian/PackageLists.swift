import Kinds
import Wire

/// Where apt keeps the package lists it has fetched.
enum PackageLists {
    static let directory = "/var/lib/apt/lists"

    /// The pairs of address and suite for which there is no list.
    static func missing(
        _ declaration: PackageRepositoryDeclaration, among files: [String]
    ) -> [String] {
        declaration.uris.flatMap { uri in
            declaration.suites.compactMap { suite in
                guard let prefix = prefix(uri, suite) else { return nil }
                return files.contains { $0.hasPrefix(prefix) } ? nil : "\(uri) \(suite)"
            }
        }
    }

    /// The prefix of the names of its lists; nil for addresses that apt names differently.
    ///
    /// The scheme is dropped, some characters are quoted, and slashes become underscores.
    static func prefix(_ uri: String, _ suite: String) -> String? {
        guard let colon = uri.firstIndex(of: ":"), !uri.contains(text: "$("),
            !suite.contains(text: "$("),
            ["http", "https", "file", "copy", "ftp"].contains(String(uri[..<colon]))
        else { return nil }
        var rest = uri[uri.index(after: colon)...]
        if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            // User and password are not part of the name.
            let host = rest.prefix { $0 != "/" }
            if let at = host.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        }
        let base = rest.hasSuffix("/") ? String(rest) : rest + "/"
        let path = suite.hasSuffix("/") ? base + suite : "\(base)dists/\(suite)/"
        let quoted = Array("\\|{}[]<>\"^~_=!@#$%^&*".utf8)
        let digits = Array("0123456789abcdef".utf8)
        var name: [UInt8] = []
        for byte in path.utf8 {
            if byte == 47 {
                name.append(95)
            } else if byte <= 32 || byte >= 127 || quoted.contains(byte) {
                name += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                name.append(byte)
            }
        }
        return String(decoding: name, as: UTF8.self)
    }
}
