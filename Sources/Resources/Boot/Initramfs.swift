import FleetModel
import Linux
import SystemFaults

/// The file system that the kernel starts from, by the distribution's own program.
enum Initramfs {
    /// Makes it anew for every kernel; a machine without one boots without.
    static func makeAnew(on machine: any Machine) throws(AgentFault) {
        for (path, arguments) in [
            ("/usr/sbin/update-initramfs", ["-u", "-k", "all"]),
            ("/usr/bin/dracut", ["--force", "--regenerate-all"]),
        ] {
            let attempted = "make the initramfs anew"
            let status = try attempt(attempted) { () throws(SystemError) in
                try machine.statusIfPresent(path, followLinks: true)
            }
            if status == nil { continue }
            let result = try attempt(attempted) { () throws(SystemError) in
                try machine.run(ProgramCall(path, arguments, timeoutSeconds: 900))
            }
            guard result.succeeded else {
                throw AgentFault(
                    "initramfs", attempted,
                    cause: "\(path) \(result.endText): \(ProgramText.excerpt(of: result))")
            }
            return
        }
    }
}
