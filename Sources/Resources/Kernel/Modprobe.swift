import FleetModel
import Linux
import SystemFaults

/// Loads and unloads kernel modules by modprobe(8).
enum Modprobe {
    /// Runs it, on the CPUs of a NUMA node where one is given.
    static func run(
        _ arguments: [String], node: Int? = nil, on machine: any Machine
    ) throws(AgentFault) {
        let attempted = "modprobe \(arguments.joined(separator: " "))"
        let result = try run("/sbin/modprobe", arguments, node: node, attempted, on: machine)
        guard result.succeeded else {
            throw AgentFault(
                "modprobe", attempted,
                cause: "modprobe \(result.endText): \(ProgramText.excerpt(of: result))",
                hint: "dmesg on the host says more")
        }
    }

    /// Runs a program on the CPUs of a node, so that what a module allocates lies there.
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
                    "no-node", attempted, cause: "there is no node \(node) with CPUs",
                    hint: "correct node: nics.NAME.numa_node of the facts is the card's")
            }
            (path, words) = ("/usr/bin/taskset", ["-c", cpus, program] + arguments)
        }
        return try attempt(attempted) { () throws(SystemError) in
            try machine.run(ProgramCall(path, words, timeoutSeconds: 180))
        }
    }
}
