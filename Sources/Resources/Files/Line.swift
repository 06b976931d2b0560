import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `line`.
package enum LineBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        package var path: PathObservation
        /// The file's content; nil if there is no file.
        package var content: [UInt8]?
    }

    /// The maximum size in bytes of a file whose lines are edited.
    private static let limit = 16 << 20

    package static func observe(
        _ declarations: [LineDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        var read: [String: Result<Observation, AgentFault>] = [:]
        return declarations.map { declaration in
            if let known = read[declaration.path] { return known }
            let result = observeEach([declaration.path]) { (path) throws(AgentFault) in
                try observe(path, on: host.machine)
            }[0]
            read[declaration.path] = result
            return result
        }
    }

    private static func observe(
        _ path: String, on machine: any Machine
    ) throws(AgentFault) -> Observation {
        let found = try PathObservation(path, accounts: Accounts(), on: machine)
        guard let status = found.status else { return Observation(path: found) }
        guard status.type == .file else {
            let noun = PathText.noun(status.type, linkTarget: found.linkTarget)
            throw AgentFault(
                "wrong-type", "edit \(path)", cause: "there is \(noun)",
                hint: status.type == .symlink
                    ? "symlinks are not followed: name the file that it points to"
                    : "correct the path")
        }
        let content = try attempt("read \(path)") { () throws(SystemError) in
            try machine.read(path, limit: limit)
        }
        return Observation(path: found, content: content)
    }

    package static func diff(
        _ declaration: LineDeclaration, _ observation: Observation
    ) -> Difference {
        guard let content = observation.content else {
            return withoutFile(declaration, observation)
        }
        switch LineEdit(declaration, content) {
        case .none(let reason): return .asDeclared(reason)
        case .noAnchor(let pattern): return .blocked(noAnchor(declaration, pattern))
        case .edit(let before, _):
            let shown: JSON? =
                switch before.count {
                case 0: nil
                case 1: .string(before[0])
                default: .strings(before)
                }
            return .changes([
                Change("text", before: shown, after: .optional(wanted(declaration)))
            ])
        }
    }

    private static func wanted(_ declaration: LineDeclaration) -> String? {
        declaration.isPresent ? declaration.text : nil
    }

    private static func withoutFile(
        _ declaration: LineDeclaration, _ observation: Observation
    ) -> Difference {
        guard declaration.isPresent else { return .asDeclared("no file \(declaration.path)") }
        let attempted = "put the line \(declaration.name) into \(declaration.path)"
        if let obstacle = observation.path.obstacle(to: attempted, path: declaration.path) {
            return .blocked(obstacle)
        }
        guard declaration.creates else {
            return .blocked(
                AgentFault(
                    "not-found", attempted, cause: "there is no such file",
                    hint: "declare the package that provides it, or add create: true"))
        }
        return .changes([
            Change("state", before: "absent", after: "present"),
            Change("text", before: nil, after: .optional(declaration.text)),
        ])
    }

    private static func noAnchor(_ declaration: LineDeclaration, _ pattern: String) -> AgentFault {
        AgentFault(
            "no-anchor", "put the line \(declaration.name) into \(declaration.path)",
            cause: "no line matches \"\(pattern)\", which gives the position",
            hint: "correct the expression, or leave it out to append the line")
    }

    package static func beforeImages(
        _ declaration: LineDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        // Read again: another resource may have written a line of this file just before.
        let now = try observe(declaration.path, on: host.machine)
        return [try now.path.fullImage(declaration.path, on: host)]
    }

    package static func apply(
        _ declaration: LineDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let now = try observe(declaration.path, on: host.machine)
        switch LineEdit(declaration, now.content ?? []) {
        case .none: return
        case .noAnchor(let pattern): throw noAnchor(declaration, pattern)
        case .edit(_, let content):
            let status = now.path.status
            try NewFile(
                path: declaration.path, content: content, mode: status?.mode ?? 0o644,
                uid: status?.uid ?? 0, gid: status?.gid ?? 0
            ).put(on: host.machine)
        }
    }
}
