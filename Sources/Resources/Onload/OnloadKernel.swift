import FleetModel
import Kinds
import Linux
import SystemFaults

/// OpenOnload as it runs in the kernel.
struct OnloadKernel: Sendable {
    /// One module in memory.
    struct Module: Sendable, Equatable {
        /// From the module's note in /sys; empty where it has none.
        var buildID: String
        var version: String?
        /// Parameters that are declared: what they hold and whether they can be written.
        var parameters: [String: Parameter] = [:]
    }
    struct Parameter: Sendable, Equatable {
        var text: String
        var isWritable: Bool
    }

    var modules: [String: Module] = [:]
    /// The stacks that /proc/driver/onload lists, with their processes.
    var stacks: [(id: String, pid: Int)] = []
    /// Stacks that no process holds any more.
    var orphans: [String] = []
    var servers: [Int] = []

    init(_ declaration: OnloadDeclaration, on machine: any Machine) throws(AgentFault) {
        for name in OnloadDeclaration.modules {
            let folder = "/sys/module/\(name)"
            guard try machine.readText("\(folder)/initstate") != nil else { continue }
            let note = "\(folder)/notes/.note.gnu.build-id"
            let bytes = try attempt("read \(note)") { () throws(SystemError) in
                try machine.statusIfPresent(note) == nil ? [] : try machine.read(note, limit: 4096)
            }
            var module = Module(
                buildID: ModuleFile.buildID(bytes),
                version: try machine.readText("\(folder)/version"))
            for key in (declaration.options[name] ?? [:]).keys.sorted() {
                let path = "\(folder)/parameters/\(key)"
                let status = try attempt("look at \(path)") { () throws(SystemError) in
                    try machine.statusIfPresent(path)
                }
                guard let status, status.mode & 0o400 != 0 else { continue }
                module.parameters[key] = Parameter(
                    text: (try machine.readText(path) ?? "").trimmingSpaces(),
                    isWritable: status.mode & 0o200 != 0)
            }
            modules[name] = module
        }
        guard modules["onload"] != nil else { return }
        let folder = "/proc/driver/onload"
        var seen: Set<String> = []
        for file in ["stacks_ul", "stacks"] {
            for line in (try machine.readText("\(folder)/\(file)") ?? "").filledLines {
                // The number of columns differs between versions; the first three never change.
                let words = line.split(separator: " ")
                guard words.count >= 2, words[0].hasSuffix(":"), let pid = Int(words[1]),
                    seen.insert(String(words[0])).inserted
                else { continue }
                stacks.append((String(words[0].dropLast()), pid))
            }
        }
        orphans = (try machine.readText("\(folder)/stacks_k") ?? "").filledLines
            .compactMap { $0.split(separator: " ").first?.filter { $0 != ":" } }
        servers = (try machine.readText("\(folder)/cp_server_pids") ?? "")
            .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    }
}
