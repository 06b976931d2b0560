import FleetModel
import Kinds
import Linux

/// Finds other managers that are active on the host and may undo resources of a plan.
///
/// A daemon that sets its own governor can make the result of a check outdated at any moment, so it
/// is reported with the first resource that it may undo.
struct ConflictFinder {
    let machine: any Machine

    /// Findings by position in a plan: each manager once, with the first resource it may undo.
    func findings(in plan: BoundPlan) -> [Int: [HostFinding]] {
        let declarations = plan.items.map { $0.batch.declaration($0.place) }
        let traits = declarations.map { type(of: $0).schema.traits }
        let rivals = traits.reduce(into: Set<OtherManager>()) { $0.formUnion($1.rivals) }
        if rivals.isEmpty { return [:] }
        let configured = Set(traits.compactMap(\.configures))
        let running = runningPrograms()
        var all: [Int: [HostFinding]] = [:]
        for manager in OtherManager.allCases where rivals.contains(manager) {
            let trace = manager.trace
            let program = trace.programs.first(where: running.contains)
            guard program != nil || trace.links.contains(where: isThere) else { continue }
            let isFirst = program == nil || program == trace.programs.first
            let name = isFirst ? manager.rawValue : program
            let position = declarations.indices.first { index in
                traits[index].rivals.contains(manager)
                    && !(configured.contains(manager) && declarations[index].agrees(with: manager))
            }
            guard let position else { continue }
            all[position, default: []].append(
                HostFinding(
                    "other-manager",
                    "\(name ?? manager.rawValue) is active too, and \(trace.effect)"))
        }
        return all
    }

    private func isThere(_ path: String) -> Bool {
        ((try? machine.statusIfPresent(path)) ?? nil) != nil
    }

    /// The names of running programs, from /proc/PID/comm.
    private func runningPrograms() -> Set<String> {
        var names: Set<String> = []
        for name in (try? machine.list("/proc")) ?? [] where Int(name) != nil {
            guard let comm = (try? machine.textIfPresent("/proc/\(name)/comm")) ?? nil else {
                continue
            }
            names.insert(String(comm.filter { $0 != "\n" }))
            // tuned is a Python script: its name is in the arguments.
            if comm.hasPrefix("tuned") || comm.hasPrefix("python") {
                let line = ((try? machine.textIfPresent("/proc/\(name)/cmdline")) ?? nil) ?? ""
                let words = line.split(separator: "\0").prefix(4)
                if words.contains(where: { $0.hasSuffix("/tuned") }) { names.insert("tuned") }
            }
        }
        return names
    }
}
