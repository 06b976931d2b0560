import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `symlink`.
package enum SymlinkBehaviour: ResourceBehaviour {
    package typealias Observation = PathObservation

    package static func observe(
        _ declarations: [SymlinkDeclaration], on host: Host
    ) -> [Result<PathObservation, AgentFault>] {
        observeEach(declarations) { (declaration) throws(AgentFault) in
            let found = try PathObservation(
                declaration.path, accounts: Accounts(), on: host.machine)
            try checkType(declaration, found)
            return found
        }
    }

    /// Throws if the path holds something that a symlink must not replace.
    ///
    /// Only a symlink or, if the link is declared present, a regular file is replaced.
    private static func checkType(
        _ declaration: SymlinkDeclaration, _ found: PathObservation
    ) throws(AgentFault) {
        guard let type = found.status?.type, type != .symlink else { return }
        if type == .file && declaration.isPresent { return }
        throw AgentFault(
            "wrong-type",
            "\(declaration.isPresent ? "create" : "remove") the link \(declaration.path)",
            cause: "there is \(PathText.noun(type))", hint: "remove it by hand, or correct the path"
        )
    }

    package static func diff(
        _ declaration: SymlinkDeclaration, _ found: PathObservation
    ) -> Difference {
        guard let target = declaration.target else {
            return found.status == nil
                ? .asDeclared("not there")
                : .changes([Change("state", before: "present", after: "absent")])
        }
        if let obstacle = found.obstacle(
            to: "create the link \(declaration.path)", path: declaration.path)
        {
            return .blocked(obstacle)
        }
        switch found.status?.type {
        case nil:
            return .changes([
                Change("state", before: "absent", after: "present"),
                Change("target", before: nil, after: .string(target)),
            ])
        case .symlink:
            if found.linkTarget == target { return .asDeclared("points to \(target)") }
            return .changes([
                Change("target", before: .optional(found.linkTarget), after: .string(target))
            ])
        default:
            return .changes([
                Change("type", before: "file", after: "symlink"),
                Change("target", before: nil, after: .string(target)),
            ])
        }
    }

    package static func beforeImages(
        _ declaration: SymlinkDeclaration, _ found: PathObservation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        [try found.fullImage(declaration.path, on: host)]
    }

    package static func apply(
        _ declaration: SymlinkDeclaration, _ found: PathObservation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        guard let target = declaration.target else {
            return try attempt("remove the link \(declaration.path)") { () throws(SystemError) in
                try host.machine.remove(declaration.path)
            }
        }
        try attempt("create the link \(declaration.path)") { () throws(SystemError) in
            try host.machine.replaceLink(declaration.path, target: target)
        }
    }
}
