import Kinds

/// What an operator wants isolated, in words that hold for many machines.
package struct IsolationPolicy: Sendable, Equatable {
    /// Which cores are taken from the scheduler.
    package enum Scope: Sendable, Equatable {
        /// Every core that housekeeping does not need.
        case all
        /// Those of these NUMA nodes.
        case nodes([Int])
        /// Those of the NUMA node of a network interface.
        case near(String)
        /// These CPUs and no others: whole cores.
        case cpus(CPUList)
    }

    /// What becomes of the second thread of an isolated core.
    package enum Threads: String, Sendable, CaseIterable {
        /// It is a CPU like the first.
        case keep
        /// It is isolated too, and nothing is to run on it.
        case park
        /// Second threads are off on the whole machine.
        case off
    }

    /// How the scheduler is told.
    package enum Mechanism: String, Sendable, CaseIterable {
        /// `isolcpus=` on the kernel command line: from the first moment on, until the next boot.
        case boot
        /// An isolated cpuset partition of cgroup v2, made at boot; no restart to change it.
        case cgroup
    }

    package var scope = Scope.all
    package var housekeepingCoresPerNode = 1
    package var threads = Threads.keep
    package var mechanism = Mechanism.boot
    /// The interface whose node the hot CPUs are to lie on; nil: all isolated ones are hot.
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
