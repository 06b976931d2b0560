import FleetModel
import Wire

/// A declared `cpu_power`: frequencies and idle states of CPUs.
package struct CPUPowerDeclaration: BootKeptDeclaration {
    package static let schema = KindSchema(
        .cpuPower, "Frequencies and idle states of CPUs.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed,
            rivals: [
                .tuned, .powerProfilesDaemon, .thermald, .cpufreqd, .cpupower, .cpufrequtils, .tlp,
                .numad,
            ]),
        nameType: .string,
        nameSummary: "A name for the setting. Several may be declared for different CPUs.",
        attributes: [
            AttributeSchema("cpus", .cpuList, "The CPUs. Default: all online CPUs."),
            AttributeSchema(
                "governor", .string, "The cpufreq governor: performance, powersave, schedutil."),
            AttributeSchema(
                "energy_performance_preference", .string,
                "The hint to a processor that chooses its own frequency (HWP, CPPC): performance."),
            AttributeSchema(
                "energy_perf_bias", .integer(minimum: 0, maximum: 15),
                "Intel's older hint, from 0 (performance) over 6 (normal) to 15 (power saving)."),
            AttributeSchema(
                "turbo", .boolean,
                "Whether frequencies above the nominal one are used; on the whole machine."),
            AttributeSchema(
                "min_perf_pct", .integer(minimum: 0, maximum: 100),
                "The minimum performance of intel_pstate, in per cent; on the whole machine."),
            AttributeSchema(
                "deepest_idle_latency_us", .integer(minimum: 0),
                "Disables idle states with a longer exit latency than this, in microseconds, on"
                    + " each "
                    + "CPU; 0 leaves only polling."),
            AttributeSchema(
                "pm_qos_resume_latency_us", .string,
                "The latency limit for the idle governor: a number of microseconds, or n/a for no "
                    + "idle states at all. To the kernel 0 means no limit: use it only to remove"
                    + " one."
            ),
        ],
        notes: [
            BootKeptText.note,
            "Not applicable if cpufreq or cpuidle has no driver, as in most virtual machines. A "
                + "governor that is not available is a fault that names the available ones.",
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
                "pm_qos_resume_latency_us", "\(ScalarText.shown(text)) is not a latency",
                hint: "write microseconds, or n/a for no idle states at all")
        }
        try BootKeptRules.check(self)
        if isPresent, record.attributes.keys.allSatisfy({ $0 == "cpus" }) {
            throw AttributeFault(nil, "no setting is given", hint: "governor: performance")
        }
    }

    private let name: String

    package var owns: [Claim] {
        // Two declarations may set different attributes of one CPU, but not the same attribute.
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
