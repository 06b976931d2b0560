import FleetModel
import Wire

/// A declared `onload`: one version of OpenOnload, on disk and in the kernel.
package struct OnloadDeclaration: ResourceDeclaration {
    /// Names that OpenOnload's packages begin with.
    package static let families = ["onload", "openonload", "enterpriseonload", "cloudonload"]
    /// Its kernel modules, each needing those before it.
    package static let modules = ["sfc", "sfc_resource", "sfc_char", "onload"]

    package static let schema = KindSchema(
        .onload,
        "OpenOnload: one version in the library, the modules on disk and the modules in memory.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .oneOf(families),
        nameSummary:
            "What its packages begin with: onload, openonload, enterpriseonload, cloudonload.",
        attributes: [
            AttributeSchema(
                "version", .version, "The version, as the library's own banner has it: 9.2.1.43."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "The vendor's archive, a file of the role, built and installed by its own "
                    + "onload_install. Not given: packages are declared beside it."),
            AttributeSchema(
                "reload", .oneOf(["when_unused", "never"]), default: "when_unused",
                "When the modules in memory may be exchanged for those on disk; never leaves that to "
                    + "the next boot."),
            AttributeSchema(
                "node", .integer(minimum: 0),
                "The NUMA node whose CPUs load the modules, which takes their memory there: the card's."
            ),
            AttributeSchema(
                "options", .map(.string), default: .object([:]),
                "Parameters of the modules: {sfc.performance_profile: latency, "
                    + "onload.epoll_max_stacks: \"64\"}."),
            AttributeSchema(
                "sysconfig", .map(.string), default: .object([:]),
                "Settings of /etc/sysconfig/openonload: {ONLOAD_MODE: \"660\", ONLOAD_GROUP: trading}."
            ),
            AttributeSchema(
                "accelerated", .list(.string), default: .array([]),
                "Programs, by the kernel's name of at most 15 bytes, that are to run accelerated: "
                    + "one that runs and is not is a critical finding."),
            AttributeSchema(
                "may_cut_off", .boolean, default: false,
                "Lets sfc be reloaded though muster's own connection comes in by one of its ports."),
        ],
        notes: [
            "Held against each other: what is declared, the packages, the library's banner, the modules "
                + "on disk and in memory (by their build-ids), the kernel they are built for, sfc in the "
                + "initramfs, the cards' firmware, and the processes that map the library. What differs "
                + "is a finding of its own name; user-driver-mismatch is critical, since applications then "
                + "run on the kernel's stack without a word.",
            "Modules are reloaded by the vendor's onload_tool, as module_reload, and only while nothing uses "
                + "them: no stack, and no process but the control plane holds /dev/onload. Where sfc itself "
                + "is the same, only onload is; else all its ports flap. A reload that fails can leave sfc "
                + "out: it is loaded again, and the ports are waited for.",
            "Options are kept in /etc/modprobe.d/zz-muster-onload.conf, since the vendor's file is "
                + "overwritten by upgrades, as is /etc/sysconfig/openonload by the .deb. The devices get the "
                + "mode and owner that file names at once, and by a rule of udev, which the .deb lacks. Where depmod prefers the kernel's own sfc, "
                + "/etc/depmod.d/zz-muster-onload.conf overrides it. An initramfs with another sfc is made anew.",
            "Findings. Critical: user-driver-mismatch, module-library-mismatch, module-for-another-kernel, "
                + "packages-differ, library-unreadable, debug-build, in-tree-sfc, left-in-memory, sfc-not-loaded, "
                + "no-device, not-accelerated, firmware-too-new. Warnings: reload-pending, stale-initramfs, "
                + "old-library, package-library-mismatch, archive-and-package, half-installed, orphan-stacks, "
                + "device-mode, no-control-plane-user, firmware-unread, sfc-of-another-onload. For information: "
                + "no-stack, initramfs-unread, firmware-variants.",
            "A check runs the library, reads which processes map it or hold its devices, and looks into the "
                + "initramfs for sfc, which is decompressed for that: some tenths of a second at idle priority.",
            "On which node the modules were loaded is not read: it shows only in a dump of live stacks.",
            "state: absent unloads the modules, runs onload_uninstall where an archive was installed, "
                + "takes these files away, and makes an initramfs with the kernel's own sfc in place of the "
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
    /// The vendor's archive; nil where packages bring it.
    package let archive: ResolvedContent?
    package let reloads: Bool
    package let node: Int?
    /// By module and parameter.
    package let options: [String: [String: String]]
    package let sysconfig: [String: String]
    package let accelerated: [String]
    package let mayCutOff: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        guard Self.families.contains(name) else {
            throw AttributeFault(
                nil, "\(ScalarText.shown(name)) is no OpenOnload",
                hint: "one of \(Self.families.joined(separator: ", "))")
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
                    attribute, "\(attribute) says nothing of an OpenOnload that is absent")
            }
            return
        }
        guard !version.isEmpty, !version.contains(where: \.isWhitespace) else {
            throw AttributeFault(
                "version", version.isEmpty ? "version is missing" : "a version is one word",
                hint: "the first word of the library's banner after its name: 9.2.1.43")
        }
        for program in accelerated where program.isEmpty || program.utf8.count > 15 {
            throw AttributeFault(
                "accelerated", "\(ScalarText.shown(program)) is no name of a process",
                hint: "the kernel keeps the first 15 bytes: see /proc/PID/comm")
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
                    "options", "\(ScalarText.shown(key)) is no MODULE.PARAMETER",
                    hint: "the modules are \(modules.joined(separator: ", "))")
            }
            guard let text = value.string, !text.isEmpty,
                !text.contains(where: { $0.isWhitespace || $0 == "\"" })
            else {
                throw AttributeFault("options", "\(key) has no value of one word")
            }
            // The driver takes any other word for auto, and says nothing.
            if key == "sfc.performance_profile", !["latency", "throughput", "auto"].contains(text) {
                throw AttributeFault(
                    "options", "\(ScalarText.shown(text)) is no performance profile of sfc",
                    hint: "latency, throughput or auto")
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
                    "sysconfig", "\(ScalarText.shown(key)) is no setting with a plain value")
            }
            if key.hasSuffix("_MODE"), UInt32(text, radix: 8).map({ $0 <= 0o777 }) != true {
                throw AttributeFault(
                    "sysconfig", "\(ScalarText.shown(text)) is no mode of a device",
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

    /// The cards may get their driver anew.
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
