import FleetModel
import Linux
import SystemFaults

/// The initramfs, which the distribution's own program generates.
enum Initramfs {
    /// Generates it again for every kernel; does nothing where neither program is installed.
    static func makeAnew(on machine: any Machine) throws(AgentFault) {
        for (path, arguments) in [
            ("/usr/sbin/update-initramfs", ["-u", "-k", "all"]),
            ("/usr/bin/dracut", ["--force", "--regenerate-all"]),
        ] {
            let attempted = "regenerate the initramfs"
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
