import FleetModel
import Wire

/// A declared `kernel_cmdline`: a named set of kernel parameters, for every boot to come.
package struct KernelCmdlineDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .kernelCmdline,
        "Parameters of the kernel command line: the running one's, those of the entry that boots "
            + "next, and those that kernels installed later will get.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: [.tuned]),
        nameType: .string,
        nameSummary:
            "What the set is called: letters, digits, - and _. Several sets may be declared.",
        attributes: [
            AttributeSchema(
                "parameters", .list(.string), default: .array([]),
                "The parameters wanted, in the order they are to stand. Their keys are ours: the "
                    + "same key set elsewhere is taken out."),
            AttributeSchema(
                "without", .list(.string), default: .array([]),
                "Parameters that must not be there: a key (quiet) for all its values, or a whole "
                    + "parameter (mitigations=off)."),
        ],
        notes: [
            "Parameters that are not named stay as they are. A set remembers what it put in place, "
                + "so that a parameter taken out of it goes, and with state: absent all of them.",
            "GRUB: a file of our own, /etc/default/grub.d/90-muster-NAME.cfg, then grub-mkconfig; "
                + "the new grub.cfg is looked through before it takes the old one's place. Ours "
                + "stand in GRUB_CMDLINE_LINUX_DEFAULT, so that recovery entries boot without them. "
                + "Entries of the Boot Loader Specification (Red Hat's GRUB, systemd-boot): the "
                + "options lines, /etc/kernel/cmdline for kernels to come, and "
                + "/etc/muster/kernel_cmdline/NAME to remember ours; rescue entries stay.",
            "A difference of the running kernel alone is a pending reboot, a state of its own. "
                + "apply reboots once for all of them where --max-disruption allows reboot.",
            "hugepagesz and hugepages are one group and kept in order. console, memmap and others "
                + "that may stand several times are added beside those of others. Lists of CPUs "
                + "are compared as sets.",
        ],
        example: """
            - kernel_cmdline: quiet_cpus
              parameters: [skew_tick=1, tsc=reliable, nosoftlockup]
              without: [quiet]
            """)

    package let name: String
    package let isPresent: Bool
    package let parameters: [KernelParameter]
    /// Parameters that must not be there; with a value only that one is meant.
    package let unwanted: [KernelParameter]

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        self.name = name
        let isPlain = name.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45
                || $0 == 95
        }
        guard isPlain, !name.isEmpty, name.utf8.count <= 64 else {
            throw AttributeFault(
                nil, "\(ScalarText.shown(name)) is no name of a set of parameters",
                hint: "letters, digits, - and _: it becomes part of a file's name")
        }
        isPresent = try reader.state(of: KernelCmdlineDeclaration.schema) == "present"
        parameters = try KernelCmdlineDeclaration.parameters("parameters", reader)
        unwanted = try KernelCmdlineDeclaration.parameters("without", reader)
        guard isPresent else {
            if !parameters.isEmpty || !unwanted.isEmpty {
                throw AttributeFault(
                    "parameters", "parameters have no meaning for a set that is to be absent",
                    hint: "remove them: what the set put in place is remembered")
            }
            return
        }
        if parameters.isEmpty && unwanted.isEmpty {
            throw AttributeFault("parameters", "the set names no parameter")
        }
        try KernelCmdlineRules.check(parameters, unwanted)
    }

    private static func parameters(
        _ attribute: String, _ reader: AttributeReader
    ) throws(AttributeFault) -> [KernelParameter] {
        var all: [KernelParameter] = []
        for text in try reader.optionalStrings(attribute) ?? [] {
            do throws(ValueFault) {
                all.append(try KernelParameter(text))
            } catch {
                throw AttributeFault(attribute, error.message, hint: error.hint)
            }
        }
        return all
    }

    package var owns: [Claim] {
        var subjects: [String] = []
        for parameter in parameters + unwanted where !subjects.contains(parameter.subject) {
            subjects.append(parameter.subject)
        }
        return [.kernelCmdline(name)] + subjects.map { .kernelParameter($0) }
    }
}
