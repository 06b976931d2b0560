/// One parameter of a kernel command line, as written there: `quiet`, `isolcpus=2-7`.
package struct KernelParameter: Sendable, Hashable {
    package let text: String

    /// The text before the first `=`, or all of it if there is no `=`, with `-` as `_`.
    ///
    /// The kernel treats `-` and `_` in a name as equal (kernel/params.c).
    package var key: String {
        String(text.prefix { $0 != "=" }).split(separator: "-", omittingEmptySubsequences: false)
            .joined(separator: "_")
    }

    /// The text after the first `=`, without quotes; nil if there is no `=`.
    package var value: String? {
        guard let equals = text.firstIndex(of: "=") else { return nil }
        return String(text[text.index(after: equals)...].filter { $0 != "\"" })
    }

    /// Reads exactly one parameter; throws if the text has several or none.
    package init(_ text: String) throws(ValueFault) {
        let words = KernelParameter.split(text)
        guard words.count == 1, words[0].text == text else {
            throw ValueFault(
                "\(ScalarText.shown(text)) is not one kernel parameter",
                hint: words.count > 1
                    ? "write each parameter as a separate list element; quote a value with spaces: "
                        + "dyndbg=\"file x +p\"" : nil)
        }
        let isPlain = text.utf8.allSatisfy { $0 > 32 && $0 < 127 || $0 == 32 }
        guard isPlain, !text.contains("'"), !text.contains("\\"), text.first != "=" else {
            throw ValueFault(
                "\(ScalarText.shown(text)) has a character that boot loaders treat differently",
                hint: "use printable ASCII without ' and \\; do not begin with =")
        }
        if text == "--" {
            throw ValueFault(
                "-- is not a parameter: it ends the kernel's parameters", hint: "leave it out")
        }
        self.text = text
    }

    private init(unchecked text: String) { self.text = text }

    /// The parameters of a command line, in order.
    ///
    /// White space outside double quotes separates them (kernel/params.c: next_arg). The text
    /// after a `--` is for init and is left out.
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
        // An unclosed quote extends to the end of the line.
        if isQuoted, !word.isEmpty { all.append(KernelParameter(unchecked: word)) }
        return all
    }

    /// Huge page parameters: their order matters, because `hugepages` uses the preceding size.
    ///
    /// (kernel: Documentation/admin-guide/mm/hugetlbpage.rst)
    package static let hugepageKeys: Set<String> = [
        "hugepages", "hugepagesz", "default_hugepagesz",
    ]

    /// Whether the parameter may be given several times, and every occurrence has an effect.
    package var isRepeatable: Bool {
        KernelParameter.repeatable.contains(key) || key.hasPrefix("rd.")
    }

    private static let repeatable: Set<String> = [
        "console", "earlycon", "earlyprintk", "memmap", "crashkernel", "initcall_blacklist",
        "module_blacklist", "netconsole", "ip", "systemd.mask", "systemd.wants", "systemd.setenv",
        "modprobe.blacklist", "dyndbg", "acpi", "efi_fake_mem", "mem", "initrd",
    ]

    /// The text that conflicting parameters share.
    ///
    /// This is the key; for a repeatable parameter its whole text; for huge page parameters
    /// `hugepages`.
    package var subject: String {
        if KernelParameter.hugepageKeys.contains(key) { return "hugepages" }
        return isRepeatable ? text : key
    }

    /// Whether both parameters mean the same: CPU lists are compared as sets.
    package func means(_ other: KernelParameter) -> Bool {
        if self == other { return true }
        guard key == other.key, let mine = value, let theirs = other.value else { return false }
        if mine == theirs { return true }
        guard KernelParameter.cpuKeys.contains(key), let left = try? CPUFlagList(mine),
            let right = try? CPUFlagList(theirs)
        else { return false }
        return left == right
    }

    /// Parameters whose value is a CPU list; `isolcpus` may have flags before the list.
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

    /// The flags; if none are given, the kernel uses `domain`.
    package var effectiveFlags: Set<String> { flags.isEmpty ? ["domain"] : flags }
}
