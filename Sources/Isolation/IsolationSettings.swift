import Kinds

/// One setting that follows from an isolation plan.
package struct IsolationSetting: Sendable, Equatable {
    /// Where it is made.
    package enum Place: String, Sendable, CaseIterable {
        case commandLine = "kernel command line"
        case running = "running kernel"
        case sysctl
        case systemd
        case irqbalance
        case cgroup
    }

    package let place: Place
    /// `isolcpus`, a path of /proc or /sys, a key.
    package let name: String
    package let value: String
    /// Why, in a few words.
    package let reason: String
}

extension IsolationPlan {
    /// All settings that have to agree with the plan, derived from the same two sets of CPUs.
    package var settings: [IsolationSetting] {
        let house = housekeeping.text
        var all: [IsolationSetting] = []
        func add(
            _ place: IsolationSetting.Place, _ name: String, _ value: String, _ reason: String
        ) {
            all.append(IsolationSetting(place: place, name: name, value: value, reason: reason))
        }
        let flags = policy.mechanism == .boot ? "managed_irq,domain" : "managed_irq"
        add(
            .commandLine, "isolcpus", "\(flags),\(isolated.text)",
            policy.mechanism == .boot
                ? "no load balancing, no managed interrupts" : "no managed interrupts")
        add(.commandLine, "nohz_full", isolated.text, "no tick while one task runs")
        add(.commandLine, "rcu_nocbs", isolated.text, "RCU callbacks run elsewhere")
        add(.commandLine, "irqaffinity", house, "new interrupts go to housekeeping")
        if policy.threads == .off { add(.commandLine, "nosmt", "", "second threads stay off") }
        if policy.mechanism == .cgroup {
            add(.cgroup, "cpuset.cpus", isolated.text, "of an isolated partition")
            add(.cgroup, "cpuset.cpus.partition", "isolated", "no load balancing")
        }
        add(.running, "/proc/irq/default_smp_affinity", housekeeping.mask, "new interrupts")
        add(
            .running, "/sys/devices/virtual/workqueue/cpumask", housekeeping.mask,
            "unbound kernel work")
        add(
            .running, "/sys/bus/workqueue/devices/writeback/cpumask", housekeeping.mask,
            "writing back dirty pages")
        add(.sysctl, "kernel.watchdog_cpumask", house, "lockup detectors")
        add(.systemd, "CPUAffinity", house, "services that name no CPUs")
        add(
            .irqbalance, "IRQBALANCE_BANNED_CPULIST", closedToInterrupts.text,
            "no interrupts moved there")
        return all
    }
}
