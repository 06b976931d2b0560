import FleetModel
import Wire

/// A declared `package` of the distribution, managed with apt and dpkg or with dnf and rpm.
package struct PackageDeclaration: ResourceDeclaration {
    package enum State: String, Sendable {
        case present, absent
        /// Absent, including its configuration files.
        case purged
    }

    package static let schema = KindSchema(
        .package, "A package: whether it is installed, its version, whether it is held.",
        traits: KindTraits(
            changes: .anything, reads: .units, names: .exact, remains: .listed, rivals: []),
        nameType: .string,
        nameSummary:
            "The package; `NAME:ARCHITECTURE` for a foreign architecture, also with dnf.",
        states: ["present", "absent", "purged"],
        attributes: [
            AttributeSchema(
                "version", .version,
                "The exact version, as in `apt-cache policy`; for rpm `[EPOCH:]VERSION-RELEASE`."
                    + " Default:"
                    + " any version."),
            AttributeSchema(
                "hold", .boolean,
                "Whether apt and dnf must not upgrade it. Default: stays as it is."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "A .deb or .rpm file of the role, installed instead of a package from a repository."
                    + " Requires `version`."),
            AttributeSchema(
                "allow_downgrade", .boolean, default: false,
                "Whether an older version may replace a newer one."),
            AttributeSchema(
                "recommends", .boolean, default: false,
                "Whether recommended packages are installed too."),
        ],
        notes: [
            "Without `version`, an installed package is never upgraded, so that the same plan"
                + " always has"
                + " the same effect.",
            "Installing never removes other packages, and removing never removes packages that"
                + " depend on"
                + " this one: the transaction of apt or rpm is checked first, and additional"
                + " removals are a"
                + " fault.",
            "The package lists are refreshed only if they lack the wanted version, at most once"
                + " in a run."
                + " Configuration files changed on the host are kept.",
            "A new installation causes no disruption; another version or a removal counts as"
                + " `service_restart`, because packages restart their services.",
            "A .deb or .rpm is identified by its version: a rebuild with the same version is not"
                + " noticed.",
            "A host without dpkg's database uses rpm and dnf. There, `hold` is a lock of dnf's"
                + " plugin"
                + " versionlock, which must be installed; `purged` is the same as `absent`,"
                + " because rpm has no"
                + " record of remaining configuration files (.rpmsave). If a package is installed"
                + " in several"
                + " versions, like kernels, one with the wanted version suffices.",
        ],
        example: """
            - package: linux-cpupower
              version: "6.1.148-1"
              hold: true
            """)

    package let name: String
    package let state: State
    package let version: String?
    package let hold: Bool?
    /// The .deb or .rpm file to install; nil to install from the repositories.
    package let archive: ResolvedContent?
    package let allowsDowngrade: Bool
    package let installsRecommended: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        guard Self.isPackageName(name) else {
            throw AttributeFault(
                nil, "\"\(name)\" is not a package name",
                hint: name.contains("=") ? "give the version as the attribute `version`" : nil)
        }
        self.name = name
        let stateText = try reader.state(of: Self.schema)
        state = State(rawValue: stateText) ?? .present
        version = try reader.optionalString("version")
        hold = try reader.optionalBool("hold")
        archive = try ResolvedContent(reader)
        allowsDowngrade = try reader.bool("allow_downgrade", default: false)
        installsRecommended = try reader.bool("recommends", default: false)
        if let version, !Self.isVersion(version) {
            throw AttributeFault(
                "version", "\"\(version)\" is not a version",
                hint:
                    "use the exact version in `apt-cache policy \(name)` or `rpm -q \(name)`"
            )
        }
        if state != .present {
            for (attribute, isGiven) in [
                ("version", version != nil), ("hold", hold == true), ("source", archive != nil),
            ] where isGiven {
                throw AttributeFault(
                    attribute, "\(attribute) has no meaning with state: \(stateText)")
            }
        }
        if archive != nil, version == nil {
            throw AttributeFault(
                "version", "a package from a file needs its version",
                hint: "`dpkg-deb -f FILE Version` prints it, or `rpm -qp FILE`")
        }
    }

    /// Accepts Debian's and rpm's names; rpm also allows capitals, `_` and one-letter names.
    private static func isPackageName(_ name: String) -> Bool {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts[0].utf8.first, isLetterOrDigit(first),
            parts[0].utf8.allSatisfy({ isLetterOrDigit($0) || Array("+-._".utf8).contains($0) })
        else { return false }
        return parts.count == 1
            || (!parts[1].isEmpty
                && parts[1].utf8.allSatisfy { isLetterOrDigit($0) || Array("-_".utf8).contains($0) })
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
    }

    private static func isVersion(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                isLetterOrDigit($0) || Array(".+-~:^_".utf8).contains($0)
            }
    }

    package var owns: [Claim] { [.package(name)] }

    /// Even a file of the role may have dependencies that come from a repository.
    package var needs: [Claim] { state == .present ? [.packageSources] : [] }
}
