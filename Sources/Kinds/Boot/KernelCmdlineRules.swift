/// What a set of kernel parameters must keep to, as far as no host is needed to see it.
///
/// (kernel: Documentation/admin-guide/kernel-parameters.txt, kernel/sched/isolation.c,
/// Documentation/admin-guide/mm/hugetlbpage.rst)
enum KernelCmdlineRules {
    static func check(
        _ wanted: [KernelParameter], _ unwanted: [KernelParameter]
    ) throws(AttributeFault) {
        var seen: Set<String> = []
        for parameter in wanted where !KernelParameter.hugepageKeys.contains(parameter.key) {
            if !seen.insert(parameter.subject).inserted {
                throw AttributeFault(
                    "parameters", "\(parameter.key) is given twice",
                    hint: "the kernel would take one of them; give it once")
            }
        }
        for parameter in unwanted {
            let clash = wanted.contains {
                $0.key == parameter.key && (parameter.value == nil || $0.means(parameter))
            }
            if clash {
                throw AttributeFault(
                    "without", "\(parameter.text) is both wanted and unwanted",
                    hint: "other values of a key that is wanted go by themselves")
            }
        }
        try checkLists(wanted)
        try checkHugepages(wanted.filter { KernelParameter.hugepageKeys.contains($0.key) })
    }

    private static func value(_ key: String, _ wanted: [KernelParameter]) -> String? {
        wanted.first { $0.key == key }?.value
    }

    private static func checkLists(_ wanted: [KernelParameter]) throws(AttributeFault) {
        var lists: [String: CPUFlagList] = [:]
        for parameter in wanted where KernelParameter.cpuKeys.contains(parameter.key) {
            let list: CPUFlagList
            do throws(ValueFault) {
                list = try CPUFlagList(parameter.value ?? "")
            } catch {
                throw AttributeFault(
                    "parameters", "\(parameter.key): \(error.message)", hint: error.hint)
            }
            if list.cpus.isEmpty {
                throw AttributeFault(
                    "parameters", "\(parameter.text) names no CPU", hint: "leave it out")
            }
            let known: Set<String> = parameter.key == "isolcpus" ? isolcpusFlags : []
            if let odd = list.flags.subtracting(known).min() {
                throw AttributeFault(
                    "parameters", "\(odd) of \(parameter.text) is no flag of \(parameter.key)",
                    hint: known.isEmpty
                        ? "it takes a list of CPUs alone"
                        : "flags are \(known.sorted().joined(separator: ", "))")
            }
            lists[parameter.key] = list
        }
        guard let full = lists["nohz_full"] else { return }
        if value("nohz", wanted) == "off" {
            throw AttributeFault(
                "parameters", "nohz=off and nohz_full contradict each other",
                hint: "leave nohz=off out")
        }
        if let isolated = lists["isolcpus"], isolated.flags.contains("nohz"),
            isolated.cpus != full.cpus
        {
            throw AttributeFault(
                "parameters",
                "isolcpus=nohz names CPU \(isolated.cpus.text) and nohz_full \(full.cpus.text)",
                hint: "the kernel ignores the second unless both are the same list")
        }
    }

    private static let isolcpusFlags: Set<String> = ["domain", "managed_irq", "nohz"]

    private static func checkHugepages(_ group: [KernelParameter]) throws(AttributeFault) {
        var sizes: Set<String> = []
        var current: String?
        var isBareTaken = false
        var hasCount = false
        for parameter in group {
            let value = parameter.value ?? ""
            if parameter.key == "hugepages" {
                guard isCount(value) else {
                    throw AttributeFault(
                        "parameters", "\(parameter.text) is no number of pages",
                        hint: "hugepages=16, or for each node hugepages=0:8,1:8")
                }
                if current == nil {
                    if isBareTaken { throw twice("hugepages without a size before it") }
                    isBareTaken = true
                } else if hasCount {
                    throw twice("hugepages for the size \(current ?? "")")
                }
                hasCount = true
                continue
            }
            guard isSize(value) else {
                throw AttributeFault(
                    "parameters", "\(parameter.text) is no size of a huge page",
                    hint: "2M or 1G on x86; the kernel would drop the count that follows")
            }
            if parameter.key == "default_hugepagesz" { continue }
            if !sizes.insert(value.uppercased()).inserted { throw twice(parameter.text) }
            current = value
            hasCount = false
        }
        if let current, !hasCount {
            throw AttributeFault(
                "parameters", "hugepagesz=\(current) has no hugepages after it",
                hint: "hugepages binds to the hugepagesz before it")
        }
    }

    private static func twice(_ what: String) -> AttributeFault {
        AttributeFault(
            "parameters", "\(what) is given twice", hint: "the kernel ignores the second")
    }

    private static func isCount(_ text: String) -> Bool {
        !text.isEmpty
            && text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { part in
                let numbers = part.split(separator: ":", omittingEmptySubsequences: false)
                return (1...2).contains(numbers.count) && numbers.allSatisfy { Int($0) != nil }
            }
    }

    private static func isSize(_ text: String) -> Bool {
        guard let unit = text.last, "kKmMgG".contains(unit) else { return false }
        return Int(text.dropLast()) ?? 0 > 0
    }
}
