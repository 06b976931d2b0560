import FleetModel
import Wire

/// A declared `kernel_cmdline`: a named set of kernel parameters for all later boots.
package struct KernelCmdlineDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .kernelCmdline,
        "Kernel command line parameters: of the running kernel, of the entry that boots next, and "
            + "of kernels installed later.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: [.tuned]),
        nameType: .string,
        nameSummary:
            "A name for the set: letters, digits, - and _. Several sets may be declared.",
        attributes: [
            AttributeSchema(
                "parameters", .list(.string), default: .array([]),
                "The wanted parameters, in order. The set owns their keys: the same key set by "
                    + "others is removed."),
            AttributeSchema(
                "without", .list(.string), default: .array([]),
                "Parameters that must not be set: a key (quiet) for all its values, or a whole "
                    + "parameter (mitigations=off)."),
        ],
        notes: [
            "Parameters that are not named stay as they are. A set records the parameters it has "
                + "added: one that is later removed from the declaration is removed from the host, "
                + "and state: absent removes all of them.",
            "GRUB: the parameters are written to /etc/default/grub.d/90-muster-NAME.cfg, then "
                + "grub-mkconfig runs; the new grub.cfg is checked before it replaces the old one. "
                + "The parameters are added to GRUB_CMDLINE_LINUX_DEFAULT, so recovery entries"
                + " boot "
                + "without them. Boot Loader Specification entries (Red Hat's GRUB, systemd-boot): "
                + "the options lines are changed, /etc/kernel/cmdline for kernels installed later, "
                + "and /etc/muster/kernel_cmdline/NAME records our parameters; rescue entries stay "
                + "unchanged.",
            "If only the running kernel differs, the outcome is a pending reboot, not a"
                + " difference. "
                + "apply reboots once for all of them if --max-disruption allows reboot.",
            "hugepagesz and hugepages form one group and keep their order. console, memmap and "
                + "other parameters that may be given several times are added to those set by "
                + "others. CPU lists are compared as sets.",
        ],
        example: """
            - kernel_cmdline: quiet_cpus
              parameters: [skew_tick=1, tsc=reliable, nosoftlockup]
              without: [quiet]
            """)

    package let name: String
    package let isPresent: Bool
    package let parameters: [KernelParameter]
    /// Parameters that must not be set; one with a value forbids only that value.
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
                nil, "\(ScalarText.shown(name)) is not a valid name for a set of parameters",
                hint: "use letters, digits, - and _: the name becomes part of a file name")
        }
        isPresent = try reader.state(of: KernelCmdlineDeclaration.schema) == "present"
        parameters = try KernelCmdlineDeclaration.parameters("parameters", reader)
        unwanted = try KernelCmdlineDeclaration.parameters("without", reader)
        guard isPresent else {
            if !parameters.isEmpty || !unwanted.isEmpty {
                throw AttributeFault(
                    "parameters", "an absent set cannot have parameters",
                    hint: "remove them: the host has recorded the parameters of the set")
            }
            return
        }
        if parameters.isEmpty && unwanted.isEmpty {
            throw AttributeFault("parameters", "the set has no parameters")
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
