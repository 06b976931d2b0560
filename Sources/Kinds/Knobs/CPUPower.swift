import FleetModel
import Wire

/// A declared `cpu_power`: how fast CPUs run and how deep they sleep.
package struct CPUPowerDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .cpuPower, "How fast CPUs run and how deep they sleep.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed,
            rivals: [
                .tuned, .powerProfilesDaemon, .thermald, .cpufreqd, .cpupower, .cpufrequtils, .tlp,
                .numad,
            ]),
        nameType: .string,
        nameSummary: "What the setting is called. Several may be declared for different CPUs.",
        attributes: [
            AttributeSchema("cpus", .cpuList, "The CPUs; without it all that are online."),
            AttributeSchema("governor", .string, "Of cpufreq: performance, powersave, schedutil."),
            AttributeSchema(
                "energy_performance_preference", .string,
                "The hint to a processor that chooses its own frequency (HWP, CPPC): performance."),
            AttributeSchema(
                "energy_perf_bias", .integer(minimum: 0, maximum: 15),
                "Intel's older hint: 0 performance, 6 normal, 15 power."),
            AttributeSchema(
                "turbo", .boolean, "Frequencies above the nominal one; of the whole machine."),
            AttributeSchema(
                "min_perf_pct", .integer(minimum: 0, maximum: 100),
                "The least performance of intel_pstate, in per cent; of the whole machine."),
            AttributeSchema(
                "deepest_idle_latency_us", .integer(minimum: 0),
                "Idle states that take longer to leave than this, in microseconds, are disabled; 0 "
                    + "leaves only polling. Each CPU has its own."),
            AttributeSchema(
                "pm_qos_resume_latency_us", .string,
                "The limit that the idle governor keeps to: a number of microseconds, n/a for no "
                    + "idle states at all. The kernel takes 0 for no limit, so write it only to undo."
            ),
        ],
        notes: [
            BootKeptText.note,
            "Not applicable where cpufreq or cpuidle has no driver, as in most virtual machines. A "
                + "governor that is not offered is a fault that names those that are.",
            "Sources: kernel, Documentation/admin-guide/pm/cpufreq.rst, cpuidle.rst, "
                + "intel_pstate.rst, intel_epb.rst.",
        ],
        example: """
            - cpu_power: trading
              governor: performance
              energy_performance_preference: performance
              deepest_idle_latency_us: 2
            """)

    package static let bootOrder = BootOrder(.early, rank: 2)

    package let isPresent: Bool
    package let record: BootRecord
    package let cpus: CPUList?
    package let governor: String?
    package let preference: String?
    package let bias: Int?
    package let turbo: Bool?
    package let minimumPercent: Int?
    package let deepestIdleMicroseconds: Int?
    package let resumeLatency: String?

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        self.name = name
        let reader = AttributeReader(attributes)
        isPresent = try reader.state(of: Self.schema) == "present"
        record = BootRecord(.cpuPower, name, attributes)
        cpus = try reader.optionalCPUs("cpus")
        governor = try reader.optionalString("governor")
        preference = try reader.optionalString("energy_performance_preference")
        bias = try reader.optionalInteger("energy_perf_bias")
        turbo = try reader.optionalBool("turbo")
        minimumPercent = try reader.optionalInteger("min_perf_pct")
        deepestIdleMicroseconds = try reader.optionalInteger("deepest_idle_latency_us")
        resumeLatency = try reader.optionalString("pm_qos_resume_latency_us")
        if let text = resumeLatency, text != "n/a", Int(text) == nil || text.hasPrefix("-") {
            throw AttributeFault(
                "pm_qos_resume_latency_us", "\(ScalarText.shown(text)) is no latency",
                hint: "microseconds, or n/a for no idle states at all")
        }
        try BootKeptRules.check(self)
        if isPresent, record.attributes.keys.allSatisfy({ $0 == "cpus" }) {
            throw AttributeFault(nil, "it names CPUs and no setting", hint: "governor: performance")
        }
    }

    private let name: String

    package var owns: [Claim] {
        // Of the same CPUs two declarations may set different things, and not the same.
        var claims: [Claim] = []
        for attribute in record.attributes.keys.sorted() where attribute != "cpus" {
            let isOfMachine = ["turbo", "min_perf_pct"].contains(attribute)
            if isOfMachine || cpus == nil {
                claims.append(.knobs("\(attribute) of all CPUs"))
            } else {
                claims += (cpus?.numbers ?? []).map { .knobs("\(attribute) of CPU \($0)") }
            }
        }
        return claims.isEmpty ? [.knobs("the CPU power setting \(name)")] : claims
    }
}
