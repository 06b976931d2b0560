import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `irqbalance`.
package enum IrqbalanceBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        /// The path of the file that the unit of irqbalance reads.
        var path: String
        /// The text of the file; nil if it does not exist.
        var text: String?
        var isInstalled: Bool
        /// The environment of the running daemon; nil if none runs.
        var running: [String: String]?
    }

    private static let list = "IRQBALANCE_BANNED_CPULIST"
    private static let mask = "IRQBALANCE_BANNED_CPUS"

    package static func observe(
        _ declarations: [IrqbalanceDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let found: Result<Observation, AgentFault>
        do throws(AgentFault) {
            found = .success(try observe(on: host.machine))
        } catch {
            found = .failure(error)
        }
        return declarations.map { _ in found }
    }

    private static func observe(on machine: any Machine) throws(AgentFault) -> Observation {
        func isThere(_ path: String) throws(AgentFault) -> Bool {
            try attempt("look for \(path)") { () throws(SystemError) in
                try machine.statusIfPresent(path, followLinks: true) != nil
            }
        }
        // On Debian, OpenOnload installs an /etc/sysconfig too.
        let isDebian = try isThere("/etc/debian_version")
        let isRedHat = isDebian ? false : try isThere("/etc/sysconfig")
        let path = isRedHat ? "/etc/sysconfig/irqbalance" : "/etc/default/irqbalance"
        let text = try machine.readText(path)
        guard try isThere("/usr/sbin/irqbalance") else {
            return Observation(path: path, text: text, isInstalled: false)
        }
        var running: [String: String]?
        let processes = try attempt("list /proc") { () throws(SystemError) in
            try machine.listIfPresent("/proc")
        }
        for name in processes where Int(name) != nil {
            let comm = try ProcessFile.text("/proc/\(name)/comm", on: machine)
            guard comm == "irqbalance\n" else { continue }
            let environment = try attempt("read the environment of irqbalance") {
                () throws(SystemError) in try machine.textIfPresent("/proc/\(name)/environ")
            }
            running = [:]
            for pair in (environment ?? "").split(separator: "\0") {
                let parts = pair.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { running?[String(parts[0])] = String(parts[1]) }
            }
        }
        return Observation(path: path, text: text, isInstalled: true, running: running)
    }

    package static func diff(
        _ declaration: IrqbalanceDeclaration, _ observation: Observation
    ) -> Difference {
        guard observation.isInstalled else { return .notApplicable("irqbalance is not installed") }
        let lines = EnvironmentLines(observation.text ?? "")
        let all =
            changes(declaration, lines.values, .persisted, source: observation.path)
            + (observation.running.map { changes(declaration, $0, .running, source: nil) } ?? [])
        if !all.isEmpty { return .changes(all) }
        guard let banned = declaration.banned else {
            return .asDeclared("no CPUs are banned")
        }
        return .asDeclared(
            "\(banned.text) banned, "
                + (observation.running == nil ? "not running" : "also in the running daemon"))
    }

    private static func changes(
        _ declaration: IrqbalanceDeclaration, _ values: [String: String], _ layer: Layer,
        source: String?
    ) -> [Change] {
        let cost = layer == .running ? Disruption.serviceRestart : .none
        var changes: [Change] = []
        let found = values[list]
        let isMet =
            declaration.banned.map { banned in
                found.flatMap { try? CPUList(parsing: $0) } == banned
            } ?? (found == nil)
        if !isMet {
            changes.append(
                Change(
                    "banned_cpus", layer: layer, before: .optional(found),
                    after: .optional(declaration.banned?.text), disruption: cost,
                    source: found == nil ? nil : source))
        }
        // The mask overrides the list if it is not empty.
        if let mask = values[mask], !mask.isEmpty, declaration.isPresent {
            changes.append(
                Change(
                    Self.mask, layer: layer, before: .string(mask), after: nil, disruption: cost,
                    source: source))
        }
        return changes
    }

    package static func beforeImages(
        _ declaration: IrqbalanceDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        let found = try PathObservation(
            observation.path, accounts: Accounts(), on: host.machine)
        var images = [try found.fullImage(observation.path, on: host)]
        if observation.running != nil {
            // irqbalance reads its settings only when it starts.
            images.append(.derived("try-restart irqbalance.service"))
        }
        return images
    }

    package static func apply(
        _ declaration: IrqbalanceDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        if changes.contains(where: { $0.layer == .persisted }) {
            var lines = EnvironmentLines(observation.text ?? "")
            lines.set(list, declaration.banned?.text)
            if declaration.isPresent { lines.set(mask, nil) }
            let status = try attempt("look at \(observation.path)") { () throws(SystemError) in
                try host.machine.statusIfPresent(observation.path, followLinks: true)
            }
            try NewFile(
                path: observation.path, content: Array(lines.text.utf8),
                mode: status?.mode ?? 0o644, uid: status?.uid ?? 0, gid: status?.gid ?? 0
            ).put(on: host.machine)
        }
        if changes.contains(where: { $0.layer == .running }) {
            try Systemctl.run(
                ["try-restart", "irqbalance.service"], attempted: "restart irqbalance",
                unit: "irqbalance.service", on: host.machine)
            host.settle()
        }
    }
}

/// A file of `NAME=value` lines that systemd reads as an EnvironmentFile.
struct EnvironmentLines {
    private var lines: [String]

    init(_ text: String) {
        lines = text.rawLines.map(String.init)
    }

    var text: String { lines.map { $0 + "\n" }.joined() }

    /// The effective values: the last one of each name, without quotes.
    var values: [String: String] {
        var all: [String: String] = [:]
        for line in lines {
            guard let (name, value) = EnvironmentLines.assignment(line) else { continue }
            all[name] = value
        }
        return all
    }

    private static func assignment(_ line: String) -> (String, String)? {
        let text = line.trimmingSpaces()
        guard !text.hasPrefix("#"), !text.hasPrefix(";"), let equals = text.firstIndex(of: "=")
        else {
            return nil
        }
        var value = String(text[text.index(after: equals)...])
        for quote in ["\"", "'"]
        where value.count >= 2 && value.hasPrefix(quote) && value.hasSuffix(quote) {
            value = String(value.dropFirst().dropLast())
        }
        return (String(text[..<equals]), value)
    }

    /// Sets a name in its last line, or appends it; nil removes it.
    mutating func set(_ name: String, _ value: String?) {
        let places = lines.indices.filter { EnvironmentLines.assignment(lines[$0])?.0 == name }
        if let value, let last = places.last {
            lines[last] = "\(name)=\(value)"
        } else if let value {
            lines.append("\(name)=\(value)")
        }
        for place in places.reversed() where value == nil || place != places.last {
            lines.remove(at: place)
        }
    }
}
