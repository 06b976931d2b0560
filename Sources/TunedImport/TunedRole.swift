import Kinds
import Wire

/// A role that does what a profile of tuned does, as far as resources can express it.
package struct TunedRole {
    struct Resource: Equatable {
        var kind: String
        var name: String
        /// In the order they are written; each a value of YAML on one line.
        var attributes: [(name: String, yaml: String)]

        static func == (left: Resource, right: Resource) -> Bool {
            left.kind == right.kind && left.name == right.name
        }
    }

    package let name: String
    package let profile: TunedProfile
    private(set) var resources: [Resource] = []
    private(set) var parameters: [String] = []
    /// Settings that were replaced with something that is not quite the same.
    package private(set) var remarks: [TunedRefusal] = []
    package private(set) var refused: [TunedRefusal]
    private var variables: TunedVariables
    private var power: [(name: String, yaml: String)] = []
    private var commandLine: [String] = []

    package init(_ profile: TunedProfile, name: String) {
        self.profile = profile
        self.name = name
        variables = profile.variables
        refused = profile.refused
        for unit in profile.units { add(unit) }
        if !power.isEmpty {
            resources.append(Resource(kind: "cpu_power", name: name, attributes: power))
        }
        if !commandLine.isEmpty {
            let list = commandLine.map(Self.quoted).joined(separator: ", ")
            resources.append(
                Resource(
                    kind: "kernel_cmdline", name: name, attributes: [("parameters", "[\(list)]")]))
        }
        parameters = variables.parameters.filter { parameter in
            resources.contains { resource in
                resource.attributes.contains { $0.yaml.contains("{{ \(parameter) }}") }
            }
        }
    }

    // MARK: Units

    private mutating func add(_ unit: TunedProfile.Unit) {
        func value(_ name: String) -> String? { unit.settings.first { $0.name == name }?.value }
        if let enabled = value("enabled"), ["0", "false", "False", "no"].contains(enabled) {
            return
        }
        let type = value("type") ?? unit.name
        let about: Set<String> = ["type", "enabled", "replace", "priority"]
        let settings = unit.settings.filter { !about.contains($0.name) }
        for condition in ["uname_regex", "cpuinfo_regex", "devices", "devices_udev_regex"] {
            guard let setting = settings.first(where: { $0.name == condition }) else { continue }
            for other in settings where other.name != condition {
                refuse(
                    other,
                    "it is only for machines or devices that match \(condition) \(setting.value)",
                    hint: "give the role to those hosts only, or give the resource a `when`")
            }
            return
        }
        for setting in settings { add(setting, type) }
    }

    private mutating func add(_ written: TunedFile.Setting, _ type: String) {
        var setting = written
        do throws(TunedVariables.Underived) {
            if type != "bootloader" { setting.value = try variables.expand(setting.value) }
        } catch {
            let isCPUs = ["cpumask", "cores", "cpus", "affinity"].contains {
                setting.name.contains($0) || setting.value.contains($0)
            }
            return refuse(
                setting, error.reason,
                hint: isCPUs ? "cpu_isolation derives every set of CPUs from the topology" : nil)
        }
        switch type {
        case "sysctl": addSysctl(setting)
        case "vm": addMemory(setting)
        case "cpu": addPower(setting)
        case "bootloader": addCommandLine(setting)
        case "sysfs": addFile(setting)
        case "modules": addModule(setting)
        case "irqbalance" where setting.name == "banned_cpus":
            resources.append(
                Resource(
                    kind: "irqbalance", name: "system",
                    attributes: [("banned_cpus", Self.quoted(setting.value))]))
        default: refuse(written, Self.reason(type).reason, hint: Self.reason(type).hint)
        }
    }

    private mutating func addSysctl(_ setting: TunedFile.Setting) {
        if setting.value.hasPrefix(">") || setting.value.hasPrefix("<") {
            return refuse(
                setting, "tuned sets it only if the host's value is lower (>) or higher (<)",
                hint: "declare the value itself")
        }
        // Of a ratio and its bytes, the kernel keeps the last one written and sets the other to 0.
        let other =
            setting.name.hasSuffix("_bytes")
            ? setting.name.dropLast(5) + "ratio" : setting.name.dropLast(5) + "bytes"
        let isPair = ["vm.dirty_", "vm.dirty_background_"].contains(String(other.dropLast(5)))
        if isPair, resources.contains(where: { $0.kind == "sysctl" && $0.name == other }) {
            resources.removeAll { $0.kind == "sysctl" && $0.name == other }
            remarks.append(
                TunedRefusal(
                    setting.place, "\(setting.name)=\(setting.value)",
                    "it replaces \(other), which the kernel then sets to 0"))
        }
        resources.append(
            Resource(
                kind: "sysctl", name: setting.name,
                attributes: [("value", Self.quoted(setting.value))]))
    }

    private mutating func addMemory(_ setting: TunedFile.Setting) {
        let attribute: String? =
            switch setting.name {
            case "transparent_hugepages", "transparent_hugepage": "enabled"
            case "transparent_hugepage.defrag": "defrag"
            default: nil
            }
        guard let attribute else {
            return refuse(setting, "no kind sets \(setting.name) of memory")
        }
        let pair = (attribute, Self.quoted(setting.value))
        if let place = resources.firstIndex(where: { $0.kind == "transparent_hugepages" }) {
            resources[place].attributes.append(pair)
        } else {
            resources.append(
                Resource(kind: "transparent_hugepages", name: "system", attributes: [pair]))
        }
    }

    private mutating func addPower(_ setting: TunedFile.Setting) {
        let choices = setting.value.split(separator: "|").map(String.init)
        switch setting.name {
        case "governor", "energy_performance_preference":
            guard choices.count == 1 else {
                return refuse(
                    setting, "tuned takes the first of these that the host has",
                    hint: "declare the intended one")
            }
            power.append((setting.name, Self.quoted(setting.value)))
        case "energy_perf_bias":
            let words = [
                "performance": 0, "balance-performance": 4, "normal": 6, "balance-power": 8,
                "powersave": 15, "power": 15,
            ]
            let numbers = Set(choices.map { words[$0] ?? Int($0) })
            guard numbers.count == 1, let number = numbers.first ?? nil else {
                return refuse(setting, "its number depends on the host")
            }
            power.append((setting.name, String(number)))
        case "min_perf_pct":
            guard let number = Int(setting.value) else {
                return refuse(setting, "it is not a number")
            }
            power.append((setting.name, String(number)))
        case "no_turbo": power.append(("turbo", setting.value == "1" ? "false" : "true"))
        case "force_latency":
            guard let number = choices.last.flatMap({ Int($0) }) else {
                return refuse(setting, "the latency depends on the host's idle states")
            }
            if choices.count > 1 {
                remarks.append(
                    TunedRefusal(
                        setting.place, "force_latency=\(setting.value)",
                        "taken as \(number) µs, tuned's fallback: the host's own value is not read"
                    ))
            }
            power.append(("deepest_idle_latency_us", String(number)))
        default: refuse(setting, "no kind sets \(setting.name) of processors")
        }
    }

    /// Kernel parameters: every setting whose name begins with `cmdline` adds to them.
    private mutating func addCommandLine(_ setting: TunedFile.Setting) {
        guard setting.name.hasPrefix("cmdline") else {
            return refuse(setting, "no kind makes this change to the initramfs")
        }
        // `-` removes parameters that another profile added.
        guard !setting.value.hasPrefix("-") else {
            return refuse(setting, "it removes parameters", hint: "declare them in `without`")
        }
        let text = setting.value.drop { "+. ".contains($0) }
        for word in text.split(separator: " ").map(String.init) {
            var part = setting
            part.value = word
            do throws(TunedVariables.Underived) {
                let whole = try variables.expand(word)
                commandLine += whole.split(separator: " ").map(String.init).reduce(into: []) {
                    // A variable may hold several words.
                    $0.append($1)
                }.joinedTemplates()
            } catch {
                refuse(
                    part, error.reason,
                    hint: "cpu_isolation derives isolcpus, nohz_full and the rest from the topology"
                )
            }
        }
    }

    private mutating func addFile(_ setting: TunedFile.Setting) {
        let workqueues = [
            "/sys/devices/virtual/workqueue/cpumask": "unbound",
            "/sys/bus/workqueue/devices/writeback/cpumask": "writeback",
        ]
        if let name = workqueues[setting.name], let cpus = try? CPUList(parsingMask: setting.value)
        {
            resources.append(
                Resource(
                    kind: "workqueue", name: name, attributes: [("cpus", Self.quoted(cpus.text))]))
        } else if setting.name == "/sys/kernel/mm/ksm/run",
            let state = ["0": "stop", "1": "run", "2": "unmerge"][setting.value]
        {
            resources.append(
                Resource(kind: "ksm", name: "system", attributes: [("run", Self.quoted(state))]))
        } else if setting.name.hasPrefix("/sys/devices/system/machinecheck/"),
            setting.name.hasSuffix("/ignore_ce"), setting.value == "1"
        {
            commandLine.append("mce=ignore_ce")
            remarks.append(
                TunedRefusal(
                    setting.place, "\(setting.name)=1",
                    "taken as the parameter mce=ignore_ce, which does the same from the next boot on"
                ))
        } else {
            refuse(setting, "no kind sets \(setting.name)")
        }
    }

    /// `name=+r a=1 b=2`: options, and +r to reload the module.
    private mutating func addModule(_ setting: TunedFile.Setting) {
        var options: [String] = []
        for word in setting.value.split(separator: " ") where word != "+r" {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                return refuse(setting, "\(word) is not a module option")
            }
            options.append("\(parts[0]): \(Self.quoted(parts[1]))")
        }
        resources.append(
            Resource(
                kind: "kernel_module", name: setting.name,
                attributes: options.isEmpty
                    ? [] : [("options", "{\(options.joined(separator: ", "))}")]))
    }

    private mutating func refuse(
        _ setting: TunedFile.Setting, _ reason: String, hint: String? = nil
    ) {
        refused.append(
            TunedRefusal(setting.place, "\(setting.name)=\(setting.value)", reason, hint: hint))
    }

    /// Why settings of that type are not imported.
    private static func reason(_ type: String) -> (reason: String, hint: String?) {
        switch type {
        case "script":
            ("a script can do anything when tuned starts and stops", "declare what it sets")
        case "scheduler":
            (
                "no kind moves processes or sets scheduler tunables",
                "cpu_isolation keeps processes off isolated CPUs"
            )
        case "systemd":
            ("systemd's CPU affinity must fit the whole CPU isolation", "declare cpu_isolation")
        case "net":
            ("it is for every network card", "declare nic for the intended cards")
        case "disk": ("it is for every disk, and no kind sets disks", nil)
        default: ("no kind stands for tuned's plugin \(type)", nil)
        }
    }

    // MARK: Text

    static func quoted(_ text: String) -> String { JSON.string(text).canonicalText }

    /// The text of role.yaml.
    package var text: String {
        let parents =
            profile.includes.isEmpty
            ? "" : ", with \(profile.includes.joined(separator: ", "))"
        var lines = ["# From the tuned profile \(profile.name)\(parents)."]
        let summary =
            profile.summary.isEmpty ? "The tuned profile \(profile.name)." : profile.summary
        lines.append("description: \(Self.quoted(summary))")
        if !parameters.isEmpty {
            lines.append("parameters:")
            for name in parameters {
                let type = name.hasSuffix("cores") || name.hasSuffix("cpus") ? "cpu_list" : "string"
                lines.append("  \(name): {type: \(type)}")
            }
        }
        lines.append(resources.isEmpty ? "resources: []" : "resources:")
        for resource in resources {
            lines.append("  - \(resource.kind): \(Self.quoted(resource.name))")
            for (name, yaml) in resource.attributes { lines.append("    \(name): \(yaml)") }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension [String] {
    /// Joins the words of a template that was split at spaces: `nohz_full={{`, `cores`, `}}`.
    fileprivate func joinedTemplates() -> [String] {
        var words: [String] = []
        var isOpen = false
        for word in self {
            if isOpen { words[words.count - 1] += " " + word } else { words.append(word) }
            let last = words[words.count - 1]
            isOpen =
                last.split(separator: "{{", omittingEmptySubsequences: false).count
                > last.split(separator: "}}", omittingEmptySubsequences: false).count
        }
        return words
    }
}
