import FleetModel
import Wire

/// A declared `onload_profile`: the settings with which `onload -p NAME` starts a program.
package struct OnloadProfileDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .onloadProfile,
        "An OpenOnload profile: the EF_ settings with which `onload -p NAME` starts a program.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The profile name without .opf: feed-latency.",
        attributes: [
            AttributeSchema(
                "settings", .map(.string), default: .object([:]),
                "The EF_ settings: {EF_POLL_USEC: \"100000\", EF_INT_DRIVEN: \"0\"}."),
            AttributeSchema(
                "imports", .list(.string), default: .array([]),
                "Profiles whose settings are added, unless this profile sets them itself:"
                    + " [latency]."),
            AttributeSchema(
                "programs", .list(.string), default: .array([]),
                "Programs that must use the profile, by process name (comm, at most 15 bytes):"
                    + " one that "
                    + "runs with other settings is a finding."),
        ],
        notes: [
            "The file is /usr/libexec/onload/profiles/NAME.opf. Own settings come before imports,"
                + " because "
                + "onload uses the first value of a name. Names that the installed library does"
                + " not know "
                + "are refused: the library would only log them and start without the setting.",
            "Profiles are shell scripts; they are parsed, never run. onload_set, onload_import and "
                + "NAME=VALUE are understood. Any other line is a finding, because its effect is"
                + " not "
                + "known.",
            "A change disturbs no running program, because programs read their settings at start:"
                + " let it "
                + "notify a handler that restarts the program. A vendor's profile with the same"
                + " name is "
                + "replaced, but the next upgrade restores it: use another name. Source: UG1586, "
                + "onload(1).",
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
                nil, "\(ScalarText.shown(name)) is not a profile name",
                hint: "use letters, digits, - and _, without .opf")
        }
        let reader = AttributeReader(attributes)
        self.name = name
        isPresent = try reader.state(of: Self.schema) == "present"
        imports = try reader.optionalStrings("imports") ?? []
        programs = try reader.optionalStrings("programs") ?? []
        for profile in imports where !Self.isProfile(profile) || profile == name {
            throw AttributeFault(
                "imports", "\(ScalarText.shown(profile)) is not a profile that can be imported")
        }
        var settings: [String: String] = [:]
        for (key, value) in attributes["settings"]?.object ?? [:] {
            guard key.hasPrefix("EF_"), key.utf8.count > 3,
                key.utf8.allSatisfy({
                    (65...90).contains($0) || (48...57).contains($0) || $0 == 95
                })
            else {
                throw AttributeFault(
                    "settings", "\(ScalarText.shown(key)) is not an OpenOnload setting",
                    hint: "setting names begin with EF_")
            }
            guard let text = value.string, !text.contains(where: { "\n'\0".contains($0) }) else {
                throw AttributeFault("settings", "the value of \(key) must be one line")
            }
            settings[key] = text
        }
        self.settings = settings
        if isPresent, settings.isEmpty, imports.isEmpty {
            throw AttributeFault(nil, "the profile sets nothing", hint: "give settings or imports")
        }
        if !isPresent, !settings.isEmpty || !imports.isEmpty {
            throw AttributeFault(
                settings.isEmpty ? "imports" : "settings",
                "an absent profile has no settings or imports")
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
