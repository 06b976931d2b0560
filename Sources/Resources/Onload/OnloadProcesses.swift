import FleetModel
import Glibc
import Linux
import SystemFaults
import Wire

/// The processes that use OpenOnload.
struct OnloadProcesses: Sendable {
    struct Process: Sendable, Equatable {
        var pid: Int
        /// As the kernel keeps it, 15 bytes at most.
        var name: String
        /// Devices of OpenOnload that it holds.
        var devices: Set<String> = []
        /// Whether it maps the library, and whether that file is no longer on disk.
        var mapsLibrary = false
        var mapsOldLibrary = false

        var label: String { "\(name) (\(pid))" }
    }

    /// Processes that hold a device or map the library, by PID; without the control plane.
    var all: [Process] = []
    /// The names of all running processes.
    var running: Set<String> = []

    /// The control plane's program, as the kernel cuts its name.
    static let server = "onload_cp_serve"

    /// Reads /proc; what ends meanwhile is left out.
    init(on machine: any Machine) throws(AgentFault) {
        let names = try attempt("list /proc") { () throws(SystemError) in try machine.list("/proc")
        }
        for pid in names.compactMap({ Int($0) }).sorted() {
            guard
                let name = try ProcessFile.text("/proc/\(pid)/comm", on: machine)?.filter({
                    $0 != "\n"
                })
            else { continue }
            running.insert(name)
            var process = Process(pid: pid, name: name)
            process.devices = try Self.devices("/proc/\(pid)/fd", on: machine)
            // Kernel threads map nothing: their file is empty.
            let maps = try ProcessFile.text("/proc/\(pid)/maps", on: machine) ?? ""
            for line in maps.filledLines where line.contains(text: "/libonload.so") {
                process.mapsLibrary = true
                if line.hasSuffix("(deleted)") { process.mapsOldLibrary = true }
            }
            if name == Self.server { continue }
            if process.mapsLibrary || !process.devices.isEmpty { all.append(process) }
        }
    }

    /// The processes that prevent a reload.
    var holders: [Process] { all.filter { !$0.devices.isEmpty } }

    private static func devices(
        _ folder: String, on machine: any Machine
    ) throws(AgentFault) -> Set<String> {
        try attempt("look into \(folder)") { () throws(SystemError) in
            var found: Set<String> = []
            do throws(SystemError) {
                for descriptor in try machine.listIfPresent(folder) {
                    guard let target = try machine.linkTargetIfPresent("\(folder)/\(descriptor)")
                    else { continue }
                    if target.hasPrefix("/dev/onload") || target.hasPrefix("/dev/sfc_char")
                        || target.hasPrefix("onload:[")
                    {
                        found.insert(target)
                    }
                }
            } catch {
                if error.code != ESRCH { throw error }
            }
            return found
        }
    }
}
