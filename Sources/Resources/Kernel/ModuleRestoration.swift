import FleetModel
import Linux
import SystemFaults

extension Restoration {
    /// Whether a kernel module was in memory, and what it was loaded with.
    ///
    /// A parameter that only loading sets, and that reads otherwise now, has the module loaded again:
    /// the files of modprobe.d must be as they were by then.
    static func module(
        _ name: String, isLoaded: Bool, parameters: [String: String] = [:], node: Int? = nil,
        on machine: any Machine
    ) -> Restoration {
        Restoration("the module \(name)") { () throws(AgentFault) in
            guard try isThere(name, on: machine) == isLoaded else { return false }
            return try isLoaded ? isLoadedWith(parameters, name, on: machine) : true
        } putBack: { () throws(AgentFault) in
            let isThere = try isThere(name, on: machine)
            if isThere { try Modprobe.run(["-r", name], on: machine) }
            if isLoaded { try Modprobe.run([name], node: node, on: machine) }
        }
    }

    /// What is built into the kernel has no such file, and can neither come nor go.
    private static func isThere(_ name: String, on machine: any Machine) throws(AgentFault) -> Bool
    {
        try attempt("look for the module \(name)") { () throws(SystemError) in
            try machine.statusIfPresent("/sys/module/\(name)/initstate") != nil
        }
    }

    private static func isLoadedWith(
        _ parameters: [String: String], _ name: String, on machine: any Machine
    ) throws(AgentFault) -> Bool {
        for (key, value) in parameters.sorted(by: { $0.key < $1.key }) {
            let text = try machine.readText("/sys/module/\(name)/parameters/\(key)")
            if (text ?? "").trimmingSpaces() != value { return false }
        }
        return true
    }
}
