import FleetModel
import Linux
import SystemFaults

extension Restoration {
    /// Restores whether a kernel module is loaded, and the parameters it was loaded with.
    ///
    /// If a parameter that is set only by loading has another value now, the module is loaded
    /// again. The files in modprobe.d must be restored before that.
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

    /// Whether the module is loaded; false for a built-in module, which has no initstate.
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
