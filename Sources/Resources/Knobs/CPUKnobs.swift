import FleetModel
import Kinds
import Linux
import SystemFaults

/// Behaviour of `smt`.
package enum SMTBehaviour: KnobBehaviour {
    package typealias Declaration = SMTDeclaration
    package typealias Observation = KnobObservation

    private static let path = "/sys/devices/system/cpu/smt/control"

    static func knobs(
        _ declaration: SMTDeclaration, on machine: any Machine
    ) throws(AgentFault) -> KnobSet {
        guard let control = declaration.control else { return KnobSet() }
        let text = try machine.readText(path)
        let now = (text ?? "").trimmingSpaces()
        if now.hasPrefix("not") {
            return KnobSet(notApplicable: [("control", "SMT is \(now) here")])
        }
        // `forceoff` also meets `off`.
        let wanted = control == "off" && now == "forceoff" ? now : control
        var set = KnobSet(knobs: [
            Knob(
                attribute: "control", path: path, form: .word, wanted: wanted,
                disruption: .trafficBlip)
        ])
        if control == "on", now == "forceoff" {
            set.obstacle = AgentFault(
                "forced", "bring SMT sibling threads online",
                cause: "the kernel was started with nosmt=force, which holds until the next boot",
                hint: "remove nosmt=force from the kernel command line and reboot")
        }
        return set
    }
}

/// Behaviour of `workqueue`.
package enum WorkqueueBehaviour: KnobBehaviour {
    package typealias Declaration = WorkqueueDeclaration
    package typealias Observation = KnobObservation

    static func knobs(
        _ declaration: WorkqueueDeclaration, on machine: any Machine
    ) throws(AgentFault) -> KnobSet {
        guard let cpus = declaration.cpus else { return KnobSet() }
        let path =
            declaration.name == "unbound"
            ? "/sys/devices/virtual/workqueue/cpumask"
            : "/sys/bus/workqueue/devices/\(declaration.name)/cpumask"
        return KnobSet(knobs: [
            Knob(attribute: "cpus", path: path, form: .mask, wanted: cpus.mask)
        ])
    }
}

/// Behaviour of `cpu_power`.
package enum CPUPowerBehaviour: KnobBehaviour {
    package typealias Declaration = CPUPowerDeclaration
    package typealias Observation = KnobObservation

    private static let folder = "/sys/devices/system/cpu"

    static func knobs(
        _ declaration: CPUPowerDeclaration, on machine: any Machine
    ) throws(AgentFault) -> KnobSet {
        let online = try onlineCPUs(on: machine)
        if let cpus = declaration.cpus, !cpus.subtracting(online).isEmpty {
            return KnobSet(
                obstacle: AgentFault(
                    "no-cpu", "set the power of CPU \(cpus.text)",
                    cause: "CPU \(cpus.subtracting(online).text) is not online",
                    hint: "online are \(online.text)"))
        }
        let cpus = declaration.cpus ?? online
        var set = KnobSet()
        func addEach(
            _ attribute: String, _ file: String, _ wanted: String?, form: Knob.Form = .word
        ) {
            guard let wanted else { return }
            for cpu in cpus.numbers {
                set.knobs.append(
                    Knob(
                        attribute: attribute, path: "\(folder)/cpu\(cpu)/\(file)", form: form,
                        wanted: wanted, instance: cpu))
            }
        }
        addEach("governor", "cpufreq/scaling_governor", declaration.governor)
        addEach(
            "energy_performance_preference", "cpufreq/energy_performance_preference",
            declaration.preference)
        addEach(
            "energy_perf_bias", "power/energy_perf_bias", declaration.bias.map(String.init),
            form: .number)
        addEach(
            "pm_qos_resume_latency_us", "power/pm_qos_resume_latency_us", declaration.resumeLatency)
        if let turbo = declaration.turbo {
            set.knobs.append(try turboKnob(turbo, on: machine))
        }
        if let percent = declaration.minimumPercent {
            set.knobs.append(
                Knob(
                    attribute: "min_perf_pct", path: "\(folder)/intel_pstate/min_perf_pct",
                    form: .number, wanted: String(percent)))
        }
        if let limit = declaration.deepestIdleMicroseconds {
            try addIdleStates(cpus, limit, to: &set, on: machine)
        }
        if set.obstacle == nil { set.obstacle = try notOffered(declaration, cpus, on: machine) }
        return set
    }

    private static func onlineCPUs(on machine: any Machine) throws(AgentFault) -> CPUList {
        let path = "\(folder)/online"
        let bytes = try attempt("read \(path)") { () throws(SystemError) in
            try machine.read(path, limit: 1 << 16)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let list = CPUList(kernelText: text), !list.isEmpty else {
            throw AgentFault("bad-value", "read \(path)", cause: "\"\(text)\" is not a CPU list")
        }
        return list
    }

    /// The knob for turbo; no_turbo of intel_pstate has the opposite meaning of boost.
    private static func turboKnob(
        _ turbo: Bool, on machine: any Machine
    ) throws(AgentFault) -> Knob {
        let intel = "\(folder)/intel_pstate/no_turbo"
        let isIntel = try attempt("look for \(intel)") { () throws(SystemError) in
            try machine.statusIfPresent(intel) != nil
        }
        return Knob(
            attribute: "turbo", path: isIntel ? intel : "\(folder)/cpufreq/boost", form: .number,
            wanted: turbo != isIntel ? "1" : "0")
    }

    /// Disables the idle states with an exit latency above the limit, and enables the others.
    private static func addIdleStates(
        _ cpus: CPUList, _ limit: Int, to set: inout KnobSet, on machine: any Machine
    ) throws(AgentFault) {
        for cpu in cpus.numbers {
            let idle = "\(folder)/cpu\(cpu)/cpuidle"
            let states = try attempt("list \(idle)") { () throws(SystemError) in
                try machine.listIfPresent(idle)
            }
            for state in states where state.hasPrefix("state") {
                let text = try machine.readText("\(idle)/\(state)/latency")
                guard let latency = Int((text ?? "").trimmingSpaces()) else { continue }
                set.knobs.append(
                    Knob(
                        attribute: "deepest_idle_latency_us", path: "\(idle)/\(state)/disable",
                        form: .number, wanted: latency > limit ? "1" : "0", instance: cpu))
            }
        }
        if !set.knobs.contains(where: { $0.attribute == "deepest_idle_latency_us" }) {
            set.notApplicable.append(
                ("deepest_idle_latency_us", "the CPUs have no idle states on this machine"))
        }
    }

    private static func notOffered(
        _ declaration: CPUPowerDeclaration, _ cpus: CPUList, on machine: any Machine
    ) throws(AgentFault) -> AgentFault? {
        let choices = [
            ("governor", declaration.governor, "scaling_available_governors"),
            (
                "energy_performance_preference", declaration.preference,
                "energy_performance_available_preferences"
            ),
        ]
        guard let cpu = cpus.numbers.first else { return nil }
        for (attribute, wanted, file) in choices {
            guard let wanted else { continue }
            let path = "\(folder)/cpu\(cpu)/cpufreq/\(file)"
            let text = try machine.readText(path)
            let offered = (text ?? "").split(whereSeparator: \.isWhitespace)
            if !offered.isEmpty, !offered.contains(wanted[...]) {
                return AgentFault(
                    "not-offered", "set \(attribute) to \(wanted)",
                    cause: "the driver offers \(offered.joined(separator: ", "))",
                    hint: "declare one of these, or another driver on the kernel command line")
            }
        }
        return nil
    }
}
