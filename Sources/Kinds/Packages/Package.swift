import FleetModel
import Wire

/// A declared `package` of the distribution, by apt and dpkg or by dnf and rpm.
package struct PackageDeclaration: ResourceDeclaration {
    package enum State: String, Sendable {
        case present, absent
        /// Absent, and its configuration files too.
        case purged
    }

    package static let schema = KindSchema(
        .package, "A package: there or not, at which version, held or not.",
        traits: KindTraits(
            changes: .anything, reads: .units, names: .exact, remains: .listed, rivals: []),
        nameType: .string,
        nameSummary:
            "The package; `NAME:ARCHITECTURE` for one that is not of the host's own, with dnf too.",
        states: ["present", "absent", "purged"],
        attributes: [
            AttributeSchema(
                "version", .version,
                "The exact version, as `apt-cache policy` writes it; of rpm `[EPOCH:]VERSION-RELEASE`. Not"
                    + " given: any will do."),
            AttributeSchema(
                "hold", .boolean,
                "Whether apt or dnf may not upgrade it by itself. Not given: left as it is."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "A .deb or .rpm file of the role, installed in place of one from a repository."
                    + " `version` must be given with it."),
            AttributeSchema(
                "allow_downgrade", .boolean, default: false,
                "Whether an older version may replace a newer one."),
            AttributeSchema(
                "recommends", .boolean, default: false,
                "Whether the packages it recommends are installed with it."),
        ],
        notes: [
            "Without `version` it is never upgraded: a plan that is the same twice does the same twice.",
            "Installing never removes another package, and removing one never removes those that need"
                + " it: apt's plan is read first, or rpm's, and what it would do besides is the fault.",
            "The package lists are refreshed only where they lack the version wanted, once in a run."
                + " Configuration files changed on the host are kept.",
            "A new installation costs nothing that runs; another version or a removal counts as"
                + " `service_restart`, since packages restart their services.",
            "A .deb or .rpm is known by its version: one rebuilt under the same version is not seen.",
            "A host without dpkg's database is one of rpm and dnf. There `hold` is a lock of dnf's plugin"
                + " versionlock, which has to be installed; `purged` is `absent`, since rpm keeps no record of"
                + " configuration files (it leaves them as .rpmsave); of packages installed several times,"
                + " as kernels are, one at the version is enough.",
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
    /// The .deb file to install; nil takes it from the repositories.
    package let archive: ResolvedContent?
    package let allowsDowngrade: Bool
    package let installsRecommended: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        guard Self.isPackageName(name) else {
            throw AttributeFault(
                nil, "\"\(name)\" is not the name of a package",
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
                    "exact, as `apt-cache policy \(name)` or `rpm -q \(name)` writes it; no pattern"
            )
        }
        if state != .present {
            for (attribute, isGiven) in [
                ("version", version != nil), ("hold", hold == true), ("source", archive != nil),
            ] where isGiven {
                throw AttributeFault(
                    attribute, "\(attribute) says nothing of a package that is \(stateText)")
            }
        }
        if archive != nil, version == nil {
            throw AttributeFault(
                "version", "a package from a file needs its version",
                hint: "`dpkg-deb -f FILE Version` prints it, or `rpm -qp FILE`")
        }
    }

    /// By the rules of Debian and of rpm together: rpm has capitals, `_` and names of one letter.
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

    /// A file of the role needs no repository, but what it depends on may.
    package var needs: [Claim] { state == .present ? [.packageSources] : [] }
}
