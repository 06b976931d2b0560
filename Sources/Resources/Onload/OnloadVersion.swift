import Linux
import Wire

/// A version as the parts of OpenOnload report it, without the text around it.
package struct OnloadVersion: Sendable, Equatable {
    /// `9.2.1.43`.
    package var text: String
    /// What a build adds: the name of its profile, the date and branch of a build from git.
    package var profile: String

    /// The first word is the version; released builds end in a space.
    package init?(_ raw: String) {
        let words = raw.split(whereSeparator: { $0.isWhitespace || $0 == "\0" })
        guard let first = words.first else { return nil }
        text = String(first)
        profile = words.dropFirst().joined(separator: " ")
    }

    /// Whether a package is of this release: packages write 9.2.1-1 or 9_2_1 for 9.2.1.
    package static func isPackage(_ package: String, of version: String) -> Bool {
        let upstream = package.split(separator: ":").last.map(String.init) ?? package
        let plain = upstream.split(separator: "~").first.map(String.init) ?? upstream
        let release = plain.split(separator: "-").first.map(String.init) ?? plain
        let wanted = version.split(separator: "-").first.map(String.init) ?? version
        func same(_ left: String, _ right: String) -> Bool {
            left.replacing(text: "_", by: ".") == right.replacing(text: "_", by: ".")
        }
        return same(plain, version) || same(release, wanted)
    }

    /// Whether `left` is older than `right`, number by number.
    package static func isOlder(_ left: String, than right: String) -> Bool {
        let one = numbers(left)
        let two = numbers(right)
        for index in 0..<max(one.count, two.count) {
            let first = index < one.count ? one[index] : 0
            let second = index < two.count ? two[index] : 0
            if first != second { return first < second }
        }
        return false
    }

    /// `v6.3.1.1000` is 6, 3, 1, 1000; text after the numbers is ignored.
    static func numbers(_ text: String) -> [Int] {
        let digits = text.drop { !$0.isNumber }.prefix { $0.isNumber || $0 == "." }
        return digits.split(separator: ".").compactMap { Int($0) }
    }
}

/// What the library prints when it is run.
///
///     OpenOnload 9.2.1.43
///     Copyright …
///     Built: May 16 2025 10:11:12 (release)
///     Build profile header: <ci/internal/transport_config_opt_extra.h>
package struct OnloadBanner: Sendable, Equatable {
    package var product: String
    package var version: OnloadVersion
    package var isDebug: Bool

    package init?(_ output: String) {
        let lines = output.filledLines
        guard let first = lines.first, let space = first.firstIndex(of: " "),
            first[..<space].hasSuffix("nload"),
            let version = OnloadVersion(String(first[space...]))
        else { return nil }
        product = String(first[..<space])
        self.version = version
        isDebug = lines.contains { $0.hasPrefix("Built:") && $0.contains(text: "(debug)") }
    }
}
