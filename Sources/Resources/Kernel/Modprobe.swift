import FleetModel
import Linux
import SystemFaults

/// Loads and unloads kernel modules with modprobe(8).
enum Modprobe {
    /// Runs modprobe, on the CPUs of a NUMA node if one is given.
    static func run(
        _ arguments: [String], node: Int? = nil, on machine: any Machine
    ) throws(AgentFault) {
        let attempted = "modprobe \(arguments.joined(separator: " "))"
        let result = try run("/sbin/modprobe", arguments, node: node, attempted, on: machine)
        guard result.succeeded else {
            throw AgentFault(
                "modprobe", attempted,
                cause: "modprobe \(result.endText): \(ProgramText.excerpt(of: result))",
                hint: "see dmesg on the host")
        }
    }

    /// Runs a program on the CPUs of a NUMA node, so that a module allocates its memory there.
    static func run(
        _ program: String, _ arguments: [String], node: Int?, _ attempted: String,
        on machine: any Machine
    ) throws(AgentFault) -> ProgramResult {
        var path = program
        var words = arguments
        if let node {
            let list = "/sys/devices/system/node/node\(node)/cpulist"
            let cpus = (try machine.readText(list) ?? "").trimmingSpaces()
            if cpus.isEmpty {
                throw AgentFault(
                    "no-node", attempted, cause: "there is no NUMA node \(node) with CPUs",
                    hint: "correct node: the NIC's node is nics.NAME.numa_node in the facts")
            }
            (path, words) = ("/usr/bin/taskset", ["-c", cpus, program] + arguments)
        }
        return try attempt(attempted) { () throws(SystemError) in
            try machine.run(ProgramCall(path, words, timeoutSeconds: 180))
        }
    }
}
