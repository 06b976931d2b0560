import FleetModel
import Wire

/// A declared `onload_profile`: settings that `onload -p NAME` gives a program.
package struct OnloadProfileDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .onloadProfile,
        "A profile of OpenOnload: the EF_ settings that `onload -p NAME` starts a program with.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The profile, without .opf: feed-latency.",
        attributes: [
            AttributeSchema(
                "settings", .map(.string), default: .object([:]),
                "The EF_ settings: {EF_POLL_USEC: \"100000\", EF_INT_DRIVEN: \"0\"}."),
            AttributeSchema(
                "imports", .list(.string), default: .array([]),
                "Profiles whose settings come with it, as far as it does not set them itself: [latency]."
            ),
            AttributeSchema(
                "programs", .list(.string), default: .array([]),
                "Programs that are started with it, by the kernel's name of at most 15 bytes: one that "
                    + "runs with other settings is a finding."),
        ],
        notes: [
            "Kept as /usr/libexec/onload/profiles/NAME.opf, its own settings first: of two that set one "
                + "name, onload takes the earlier. Names that the installed library does not know are "
                + "refused: it would start with a line in a log and without the setting.",
            "Profiles are shell and are read here, never run: onload_set, onload_import and NAME=VALUE "
                + "are understood, and any other line is a finding, since what it sets is not known.",
            "A change disturbs nothing: a program takes its settings as it starts. Let it notify the "
                + "handler that restarts the program. A vendor's profile of the same name is replaced, "
                + "until the next upgrade puts it back: choose another. Source: UG1586, onload(1).",
        ],
        example: """
            - onload_profile: feed-latency
              imports: [latency]
              settings: {EF_INT_DRIVEN: "0"}
            """)

    package static let folder = "/usr/libexec/onload/profiles"

    package let name: String
    package let isPresent: Bool
    package let settings: [String: String]
    package let imports: [String]
    package let programs: [String]

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        guard Self.isProfile(name) else {
            throw AttributeFault(
                nil, "\(ScalarText.shown(name)) is no name of a profile",
                hint: "letters, digits, - and _, without .opf")
        }
        let reader = AttributeReader(attributes)
        self.name = name
        isPresent = try reader.state(of: Self.schema) == "present"
        imports = try reader.optionalStrings("imports") ?? []
        programs = try reader.optionalStrings("programs") ?? []
        for profile in imports where !Self.isProfile(profile) || profile == name {
            throw AttributeFault(
                "imports", "\(ScalarText.shown(profile)) is no profile to import")
        }
        var settings: [String: String] = [:]
        for (key, value) in attributes["settings"]?.object ?? [:] {
            guard key.hasPrefix("EF_"), key.utf8.count > 3,
                key.utf8.allSatisfy({
                    (65...90).contains($0) || (48...57).contains($0) || $0 == 95
                })
            else {
                throw AttributeFault(
                    "settings", "\(ScalarText.shown(key)) is no setting of OpenOnload",
                    hint: "their names begin with EF_")
            }
            guard let text = value.string, !text.contains(where: { "\n'\0".contains($0) }) else {
                throw AttributeFault("settings", "\(key) has no value of one line")
            }
            settings[key] = text
        }
        self.settings = settings
        if isPresent, settings.isEmpty, imports.isEmpty {
            throw AttributeFault(nil, "the profile sets nothing", hint: "give settings or imports")
        }
        if !isPresent, !settings.isEmpty || !imports.isEmpty {
            throw AttributeFault(
                settings.isEmpty ? "imports" : "settings", "a profile that is absent sets nothing")
        }
    }

    private static func isProfile(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count < 100 && !name.hasPrefix("-") && !name.hasSuffix(".opf")
            && name.utf8.allSatisfy {
                (48...57).contains($0) || (97...122).contains($0 | 32) || $0 == 95 || $0 == 45
            }
    }

    package var path: String { "\(Self.folder)/\(name).opf" }
    package var owns: [Claim] { [.path(path)] }
    package var needs: [Claim] {
        [.knobs("OpenOnload")] + imports.map { .path("\(Self.folder)/\($0).opf") }
    }
}
