/// One parameter of a kernel command line, as it stands there: `quiet`, `isolcpus=2-7`.
package struct KernelParameter: Sendable, Hashable {
    package let text: String

    /// What stands before the first `=`; the whole where there is none.
    ///
    /// The kernel takes `-` and `_` of a name for the same (kernel/params.c).
    package var key: String {
        String(text.prefix { $0 != "=" }).split(separator: "-", omittingEmptySubsequences: false)
            .joined(separator: "_")
    }

    /// What stands after the first `=`, without quotes; nil where there is none.
    package var value: String? {
        guard let equals = text.firstIndex(of: "=") else { return nil }
        return String(text[text.index(after: equals)...].filter { $0 != "\"" })
    }

    /// Takes one parameter; refuses what would be several, or none.
    package init(_ text: String) throws(ValueFault) {
        let words = KernelParameter.split(text)
        guard words.count == 1, words[0].text == text else {
            throw ValueFault(
                "\(ScalarText.shown(text)) is not one kernel parameter",
                hint: words.count > 1
                    ? "write each as an element of its own; a value with spaces is quoted: "
                        + "dyndbg=\"file x +p\"" : nil)
        }
        let isPlain = text.utf8.allSatisfy { $0 > 32 && $0 < 127 || $0 == 32 }
        guard isPlain, !text.contains("'"), !text.contains("\\"), text.first != "=" else {
            throw ValueFault(
                "\(ScalarText.shown(text)) has a character that boot loaders disagree on",
                hint: "printable ASCII, without ' and \\")
        }
        if text == "--" {
            throw ValueFault("-- ends the kernel's own parameters", hint: "leave it out")
        }
        self.text = text
    }

    private init(unchecked text: String) { self.text = text }

    /// The parameters of a command line, in order.
    ///
    /// White space separates them, outside of double quotes (kernel/params.c: next_arg). What
    /// follows a `--` is init's and left out.
    package static func split(_ line: String) -> [KernelParameter] {
        var all: [KernelParameter] = []
        var word = ""
        var isQuoted = false
        for character in line + " " {
            if !isQuoted, character.isWhitespace {
                if word == "--" { return all }
                if !word.isEmpty { all.append(KernelParameter(unchecked: word)) }
                word = ""
                continue
            }
            if character == "\"" { isQuoted.toggle() }
            word.append(character)
        }
        // An open quote holds all that is left.
        if isQuoted, !word.isEmpty { all.append(KernelParameter(unchecked: word)) }
        return all
    }

    /// Huge page parameters: each binds to the one before it, so that they are kept in order.
    ///
    /// (kernel: Documentation/admin-guide/mm/hugetlbpage.rst)
    package static let hugepageKeys: Set<String> = [
        "hugepages", "hugepagesz", "default_hugepagesz",
    ]

    /// Parameters that may stand several times, each of which counts.
    package var isRepeatable: Bool {
        KernelParameter.repeatable.contains(key) || key.hasPrefix("rd.")
    }

    private static let repeatable: Set<String> = [
        "console", "earlycon", "earlyprintk", "memmap", "crashkernel", "initcall_blacklist",
        "module_blacklist", "netconsole", "ip", "systemd.mask", "systemd.wants", "systemd.setenv",
        "modprobe.blacklist", "dyndbg", "acpi", "efi_fake_mem", "mem", "initrd",
    ]

    /// What two parameters that cannot both be given have in common: the key; for one that may be
    /// repeated the whole of it; for those of huge pages the group.
    package var subject: String {
        if KernelParameter.hugepageKeys.contains(key) { return "hugepages" }
        return isRepeatable ? text : key
    }

    /// Whether two values of one key mean the same: lists of CPUs are sets.
    package func means(_ other: KernelParameter) -> Bool {
        if self == other { return true }
        guard key == other.key, let mine = value, let theirs = other.value else { return false }
        if mine == theirs { return true }
        guard KernelParameter.cpuKeys.contains(key), let left = try? CPUFlagList(mine),
            let right = try? CPUFlagList(theirs)
        else { return false }
        return left == right
    }

    /// Parameters whose value is a list of CPUs, with flags before it for `isolcpus`.
    package static let cpuKeys: Set<String> = [
        "isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity", "kthread_cpus",
    ]
}

/// The value of `isolcpus=`: flags, then a CPU list (kernel/sched/isolation.c).
package struct CPUFlagList: Sendable, Equatable {
    package let flags: Set<String>
    package let cpus: CPUList

    package init(_ text: String) throws(ValueFault) {
        let items = text.split(separator: ",", omittingEmptySubsequences: false)
        let flags = items.prefix { $0.first?.isLetter ?? false }
        self.flags = Set(flags.map(String.init))
        cpus = try CPUList(parsing: items.dropFirst(flags.count).joined(separator: ","))
    }

    /// The flags; without any the kernel takes `domain`.
    package var effectiveFlags: Set<String> { flags.isEmpty ? ["domain"] : flags }
}
