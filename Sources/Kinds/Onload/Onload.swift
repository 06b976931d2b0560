import FleetModel
import Wire

/// A declared `onload`: one version of OpenOnload, on disk and in the running kernel.
package struct OnloadDeclaration: ResourceDeclaration {
    /// The possible prefixes of OpenOnload's package names.
    package static let families = ["onload", "openonload", "enterpriseonload", "cloudonload"]
    /// The kernel modules; each depends on those before it.
    package static let modules = ["sfc", "sfc_resource", "sfc_char", "onload"]

    package static let schema = KindSchema(
        .onload,
        "OpenOnload: the same version of the library, the modules on disk and the loaded modules.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .oneOf(families),
        nameSummary:
            "The prefix of its packages: onload, openonload, enterpriseonload, cloudonload.",
        attributes: [
            AttributeSchema(
                "version", .version, "The version, as in the banner of the library: 9.2.1.43."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "The vendor's archive, a file of the role, which its own onload_install builds and "
                    + "installs. Default: packages are declared as separate resources."),
            AttributeSchema(
                "reload", .oneOf(["when_unused", "never"]), default: "when_unused",
                "When the loaded modules may be replaced by those on disk; never leaves that to"
                    + " the "
                    + "next boot."),
            AttributeSchema(
                "node", .integer(minimum: 0),
                "The NUMA node, usually that of the card, whose CPUs load the modules, so that"
                    + " they "
                    + "allocate memory there."),
            AttributeSchema(
                "options", .map(.string), default: .object([:]),
                "Module parameters: {sfc.performance_profile: latency, "
                    + "onload.epoll_max_stacks: \"64\"}."),
            AttributeSchema(
                "sysconfig", .map(.string), default: .object([:]),
                "Settings in /etc/sysconfig/openonload: {ONLOAD_MODE: \"660\", ONLOAD_GROUP:"
                    + " trading}."
            ),
            AttributeSchema(
                "accelerated", .list(.string), default: .array([]),
                "Programs that must run accelerated, by process name (comm, at most 15 bytes):"
                    + " one that "
                    + "runs without Onload is a critical finding."),
            AttributeSchema(
                "may_cut_off", .boolean, default: false,
                "Allows reloading sfc even if muster's own connection uses one of its ports."),
        ],
        notes: [
            "These are compared with each other: the declaration, the packages, the library's"
                + " banner, the "
                + "modules on disk and loaded (by build-id), the kernel for which they are built,"
                + " sfc in "
                + "the initramfs, the firmware of the cards, and the processes that map the"
                + " library. Each "
                + "kind of difference is a finding with its own name; user-driver-mismatch is"
                + " critical, "
                + "because applications then use the kernel's stack without any message.",
            "Modules are reloaded with the vendor's onload_tool, which counts as module_reload,"
                + " and only while "
                + "they are not in use: no stack exists, and only the control plane has"
                + " /dev/onload open. "
                + "If sfc is unchanged, only onload is reloaded; else all ports of sfc flap. If a"
                + " reload "
                + "fails and sfc is no longer loaded, it is loaded again, and its ports are"
                + " awaited.",
            "Options are persisted in /etc/modprobe.d/zz-muster-onload.conf, because upgrades"
                + " overwrite the "
                + "vendor's file; the .deb also overwrites /etc/sysconfig/openonload. The devices"
                + " get the "
                + "mode and owner in that file at once, and later from a udev rule, which the"
                + " .deb lacks. "
                + "If depmod prefers the kernel's own sfc, /etc/depmod.d/zz-muster-onload.conf"
                + " overrides "
                + "it. An initramfs with another sfc is regenerated.",
            "Findings. Critical: user-driver-mismatch, module-library-mismatch, module-for-another-kernel, "
                + "packages-differ, library-unreadable, debug-build, in-tree-sfc, left-in-memory, sfc-not-loaded, "
                + "no-device, not-accelerated, firmware-too-new. Warnings: reload-pending, stale-initramfs, "
                + "old-library, package-library-mismatch, archive-and-package, half-installed, orphan-stacks, "
                + "device-mode, no-control-plane-user, firmware-unread, sfc-of-another-onload. For information: "
                + "no-stack, initramfs-unread, firmware-variants.",
            "A check runs the library, finds the processes that map it or have its devices open,"
                + " and "
                + "decompresses the initramfs to look for sfc: some tenths of a second at idle"
                + " priority.",
            "The NUMA node on which the modules were loaded is not checked: only a dump of live"
                + " stacks shows "
                + "it.",
            "state: absent unloads the modules, runs onload_uninstall if an archive was"
                + " installed, removes "
                + "these files, and regenerates the initramfs with the kernel's own sfc instead"
                + " of the "
                + "vendor's. Sources: UG1586, onload_tool, onload_install.",
        ],
        example: """
            - onload: openonload
              version: "9.2.1"
              node: 1
              options: {sfc.performance_profile: latency}
              sysconfig: {ONLOAD_MODE: "660"}
            """)

    package let family: String
    package let isPresent: Bool
    package let version: String
    /// The vendor's archive; nil if packages install OpenOnload.
    package let archive: ResolvedContent?
    package let reloads: Bool
    package let node: Int?
    /// The module options, by module and parameter.
    package let options: [String: [String: String]]
    package let sysconfig: [String: String]
    package let accelerated: [String]
    package let mayCutOff: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        guard Self.families.contains(name) else {
            throw AttributeFault(
                nil, "\(ScalarText.shown(name)) is not an OpenOnload package prefix",
                hint: "use one of \(Self.families.joined(separator: ", "))")
        }
        let reader = AttributeReader(attributes)
        family = name
        isPresent = try reader.state(of: Self.schema) == "present"
        version = try reader.optionalString("version") ?? ""
        archive = try ResolvedContent(reader)
        reloads = try reader.optionalString("reload") != "never"
        node = try reader.optionalInteger("node")
        options = try OnloadDeclaration.options(attributes["options"]?.object ?? [:])
        sysconfig = try OnloadDeclaration.sysconfig(attributes["sysconfig"]?.object ?? [:])
        accelerated = try reader.optionalStrings("accelerated") ?? []
        mayCutOff = try reader.bool("may_cut_off", default: false)
        guard isPresent else {
            let given = [
                ("version", !version.isEmpty), ("source", archive != nil),
                ("options", !options.isEmpty), ("sysconfig", !sysconfig.isEmpty),
                ("accelerated", !accelerated.isEmpty), ("node", node != nil),
            ]
            for (attribute, isGiven) in given where isGiven {
                throw AttributeFault(
                    attribute, "\(attribute) has no meaning with state: absent")
            }
            return
        }
        guard !version.isEmpty, !version.contains(where: \.isWhitespace) else {
            throw AttributeFault(
                "version", version.isEmpty ? "version is missing" : "version must be one word",
                hint: "use the first word after the name in the library's banner: 9.2.1.43")
        }
        for program in accelerated where program.isEmpty || program.utf8.count > 15 {
            throw AttributeFault(
                "accelerated", "\(ScalarText.shown(program)) is not a process name",
                hint: "use at most 15 bytes, as in /proc/PID/comm")
        }
    }

    private static func options(
        _ given: [String: JSON]
    ) throws(AttributeFault) -> [String: [String: String]] {
        var all: [String: [String: String]] = [:]
        for (key, value) in given {
            let parts = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, modules.contains(parts[0]), isWord(parts[1]) else {
                throw AttributeFault(
                    "options", "\(ScalarText.shown(key)) is not MODULE.PARAMETER",
                    hint: "the modules are \(modules.joined(separator: ", "))")
            }
            guard let text = value.string, !text.isEmpty,
                !text.contains(where: { $0.isWhitespace || $0 == "\"" })
            else {
                throw AttributeFault("options", "the value of \(key) must be one word")
            }
            // The driver silently treats any other word as auto.
            if key == "sfc.performance_profile", !["latency", "throughput", "auto"].contains(text) {
                throw AttributeFault(
                    "options", "\(ScalarText.shown(text)) is not a performance profile of sfc",
                    hint: "use latency, throughput or auto")
            }
            all[parts[0], default: [:]][parts[1]] = text
        }
        return all
    }

    private static func sysconfig(
        _ given: [String: JSON]
    ) throws(AttributeFault) -> [String: String] {
        var all: [String: String] = [:]
        for (key, value) in given {
            guard isWord(key), let text = value.string,
                !text.contains(where: { "\n\"'$`\\".contains($0) })
            else {
                throw AttributeFault(
                    "sysconfig", "\(ScalarText.shown(key)) is not a setting with a plain value")
            }
            if key.hasSuffix("_MODE"), UInt32(text, radix: 8).map({ $0 <= 0o777 }) != true {
                throw AttributeFault(
                    "sysconfig", "\(ScalarText.shown(text)) is not a device mode",
                    hint: "\(key): \"660\"")
            }
            all[key] = text
        }
        return all
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (48...57).contains($0) || (97...122).contains($0 | 32) || $0 == 95
            }
    }

    package static let optionsFile = "/etc/modprobe.d/zz-muster-onload.conf"
    package static let overrideFile = "/etc/depmod.d/zz-muster-onload.conf"
    package static let loadFile = "/etc/modules-load.d/90-muster-onload.conf"
    package static let rulesFile = "/etc/udev/rules.d/99-muster-onload.rules"
    package static let sysconfigFile = "/etc/sysconfig/openonload"

    package var owns: [Claim] {
        [
            .knobs("OpenOnload"), .path(Self.optionsFile), .path(Self.overrideFile),
            .path(Self.loadFile), .path(Self.rulesFile), .path(Self.sysconfigFile),
        ] + Self.modules.map { .knobs("the kernel module \($0)") }
    }

    /// The driver of the cards may be reloaded.
    package var provides: [Claim] { [.networkCards] }

    package var needs: [Claim] {
        let packages = [family, "\(family)-user", "\(family)-dkms"].map(Claim.package)
        let accounts = ["ONLOAD_USER", "SFC_CHAR_USER", "ONLOAD_CPLANE_USER"].compactMap {
            sysconfig[$0].map(Claim.user)
        }
        let groups = ["ONLOAD_GROUP", "SFC_CHAR_GROUP"].compactMap {
            sysconfig[$0].map(Claim.group)
        }
        return isPresent ? packages + accounts + groups : []
    }
}
