import FleetModel
import Wire

/// A declared `kernel_module`: whether a module is loaded, now and at boot, and its parameters.
package struct KernelModuleDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .kernelModule, "A kernel module: loaded or not, now and at boot, and its parameters.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string, nameSummary: "The module: sfc, hid_generic; - and _ are equal.",
        states: ["loaded", "absent"],
        attributes: [
            AttributeSchema(
                "options", .map(.string), default: .object([:]),
                "Its parameters: {rss_cpus: \"4\"}. Compared with the running values and with "
                    + "modprobe.d."),
            AttributeSchema(
                "blacklist", .boolean, default: false,
                "With state: absent, also prevents loading by an alias or as a dependency."),
            AttributeSchema(
                "initramfs", .boolean, default: false,
                "Regenerates the initramfs if it is older than the options file. A module that is"
                    + " loaded "
                    + "from the initramfs uses the options stored there."),
        ],
        notes: [
            "Persisted in /etc/modules-load.d/90-muster-NAME.conf and"
                + " /etc/modprobe.d/zz-muster-NAME.conf. "
                + "If a later file in modprobe.d sets the same option to another value, this is a "
                + "fault that names the file.",
            "A parameter that is writable in /sys is written. Any other parameter requires"
                + " loading the "
                + "module again, which counts as module_reload and is done only while the module"
                + " is "
                + "not in use. The running value of a parameter that /sys does not show is not"
                + " compared.",
            "A module built into the kernel counts as loaded. Sources: modprobe.d(5), "
                + "modules-load.d(5).",
        ],
        example: """
            - kernel_module: sfc
              options: {rss_cpus: "4"}
            """)

    package let name: String
    package let isLoaded: Bool
    package let options: [String: String]
    package let isBlacklisted: Bool
    package let isInInitramfs: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let isPlain = name.utf8.allSatisfy {
            (48...57).contains($0) || (97...122).contains($0 | 32) || $0 == 95 || $0 == 45
        }
        guard isPlain, !name.isEmpty, name.utf8.count < 56 else {
            throw AttributeFault(nil, "\(ScalarText.shown(name)) is not a valid module name")
        }
        let reader = AttributeReader(attributes)
        self.name = String(name.map { $0 == "-" ? "_" : $0 })
        isLoaded = try reader.state(of: Self.schema) == "loaded"
        isBlacklisted = try reader.bool("blacklist", default: false)
        isInInitramfs = try reader.bool("initramfs", default: false)
        var options: [String: String] = [:]
        for (key, value) in attributes["options"]?.object ?? [:] {
            guard let text = value.string, !text.contains(where: { $0.isWhitespace || $0 == "\"" }),
                !key.contains(where: { $0.isWhitespace || $0 == "=" })
            else {
                throw AttributeFault(
                    "options",
                    "\(ScalarText.shown(key)) is not a parameter with a value of one word")
            }
            options[key] = text
        }
        self.options = options
        if isLoaded, isBlacklisted {
            throw AttributeFault("blacklist", "a module that is to be loaded cannot be blacklisted")
        }
        if !isLoaded, !options.isEmpty {
            throw AttributeFault("options", "a module that is not loaded has no parameters")
        }
    }

    package var owns: [Claim] {
        [
            .knobs("the kernel module \(name)"), .path(optionsFile), .path(loadFile),
        ]
    }

    package var optionsFile: String { "/etc/modprobe.d/zz-muster-\(name).conf" }
    package var loadFile: String { "/etc/modules-load.d/90-muster-\(name).conf" }
}
