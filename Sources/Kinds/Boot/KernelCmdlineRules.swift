/// The rules for a set of kernel parameters that can be checked without a host.
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
                    hint: "the kernel would use only one of them; give it once")
            }
        }
        for parameter in unwanted {
            let clash = wanted.contains {
                $0.key == parameter.key && (parameter.value == nil || $0.means(parameter))
            }
            if clash {
                throw AttributeFault(
                    "without", "\(parameter.text) is both wanted and unwanted",
                    hint: "leave it out: other values of a wanted key are removed anyway")
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
                    "parameters", "\(odd) in \(parameter.text) is not a flag of \(parameter.key)",
                    hint: known.isEmpty
                        ? "\(parameter.key) takes only a list of CPUs"
                        : "the flags are \(known.sorted().joined(separator: ", "))")
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
                "isolcpus=nohz has CPUs \(isolated.cpus.text), but nohz_full has \(full.cpus.text)",
                hint: "use the same list for both, else the kernel ignores the second")
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
                        "parameters", "\(parameter.text) is not a number of pages",
                        hint: "write hugepages=16, or for each NUMA node hugepages=0:8,1:8")
                }
                if current == nil {
                    if isBareTaken { throw twice("hugepages without a preceding hugepagesz") }
                    isBareTaken = true
                } else if hasCount {
                    throw twice("hugepages for size \(current ?? "")")
                }
                hasCount = true
                continue
            }
            guard isSize(value) else {
                throw AttributeFault(
                    "parameters", "\(parameter.text) is not a huge page size",
                    hint: "use 2M or 1G on x86, else the kernel ignores the hugepages after it")
            }
            if parameter.key == "default_hugepagesz" { continue }
            if !sizes.insert(value.uppercased()).inserted { throw twice(parameter.text) }
            current = value
            hasCount = false
        }
        if let current, !hasCount {
            throw AttributeFault(
                "parameters", "no hugepages follows hugepagesz=\(current)",
                hint: "put hugepages=COUNT after it: hugepages uses the preceding hugepagesz")
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
