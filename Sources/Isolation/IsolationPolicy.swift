import Kinds

/// What an operator wants isolated, in terms that apply to many machines.
package struct IsolationPolicy: Sendable, Equatable {
    /// Which cores are taken from the scheduler.
    package enum Scope: Sendable, Equatable {
        /// Every core that housekeeping does not need.
        case all
        /// The cores of these NUMA nodes.
        case nodes([Int])
        /// The cores of the NUMA node of a network interface.
        case near(String)
        /// These CPUs and no others: whole cores.
        case cpus(CPUList)
    }

    /// How the second thread of an isolated core is used.
    package enum Threads: String, Sendable, CaseIterable {
        /// It is used like the first.
        case keep
        /// It is isolated too, and nothing is to run on it.
        case park
        /// Second threads are off on the whole machine.
        case off
    }

    /// How CPUs are taken from the scheduler.
    package enum Mechanism: String, Sendable, CaseIterable {
        /// `isolcpus=` on the kernel command line: in effect from boot on; a change needs a reboot.
        case boot
        /// An isolated cpuset partition of cgroup v2, made at boot; a change needs no reboot.
        case cgroup
    }

    package var scope = Scope.all
    package var housekeepingCoresPerNode = 1
    package var threads = Threads.keep
    package var mechanism = Mechanism.boot
    /// The interface whose node the hot CPUs are to be on; nil if all isolated CPUs are hot.
    package var near: String?

    package init() {}

    /// Reads `all`, `node=1`, `node=0,2`, `near=enp1s0` or a CPU list.
    package static func scope(_ text: String) throws(ValueFault) -> Scope {
        if text == "all" { return .all }
        if text.hasPrefix("near=") {
            let name = String(text.dropFirst(5))
            if name.isEmpty { throw ValueFault("near= names no interface") }
            return .near(name)
        }
        if text.hasPrefix("node=") {
            let nodes = try CPUList(parsing: String(text.dropFirst(5)))
            if nodes.isEmpty { throw ValueFault("node= names no node") }
            return .nodes(nodes.numbers)
        }
        let cpus = try CPUList(parsing: text)
        if cpus.isEmpty {
            throw ValueFault(
                "there is nothing to isolate in \"\(text)\"",
                hint: "give all, node=N, near=INTERFACE or CPUs")
        }
        return .cpus(cpus)
    }
}
