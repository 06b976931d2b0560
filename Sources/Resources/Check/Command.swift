import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `command`.
///
/// The only kind that starts a program for each resource: only the declared check can tell whether
/// there is something to do.
package enum CommandBehaviour: ResourceBehaviour {
    package enum Observation: Sendable, Equatable {
        case asDeclared
        case toBeChanged
        case couldNotTell(String)
        /// The check cannot be run: the program or the user does not exist.
        case blocked(AgentFault)
    }

    package static func observe(
        _ declarations: [CommandDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        observeEach(declarations, on: host, owner: \.runAs, group: { _ in nil }) {
            (declaration, accounts) throws(AgentFault) in
            try check(declaration, accounts, on: host.machine)
        }
    }

    private static func check(
        _ declaration: CommandDeclaration, _ accounts: Accounts, on machine: any Machine
    ) throws(AgentFault) -> Observation {
        if let user = declaration.runAs, try accounts.knownUID(of: user) == nil {
            return .blocked(noAccount(user, declaration))
        }
        let call = try call(declaration, declaration.check, accounts)
        do throws(SystemError) {
            let result = try machine.run(call)
            switch result.end {
            case .exited(0): return .asDeclared
            case .exited(1): return .toBeChanged
            default:
                let output = ProgramText.excerpt(of: result)
                return .couldNotTell(
                    "the check \(declaration.check[0]) \(result.endText)"
                        + (output.isEmpty ? "" : ": \(output)"))
            }
        } catch {
            if error.isNotFound {
                return .blocked(
                    AgentFault(
                        "not-found", "run the check of \(declaration.name)",
                        cause: "no program \(declaration.check[0])",
                        hint: "declare the package that provides it, or correct the path"))
            }
            return .couldNotTell("the check \(declaration.check[0]) cannot be run: \(error.reason)")
        }
    }

    private static func noAccount(_ user: String, _ declaration: CommandDeclaration) -> AgentFault {
        AgentFault(
            "no-account", "run the command \(declaration.name)", cause: "no user \(user)",
            hint: "declare it, or correct the name")
    }

    /// The call of a program as the declared user.
    ///
    /// Throws if that user does not exist: the program never runs as root instead.
    private static func call(
        _ declaration: CommandDeclaration, _ words: [String], _ accounts: Accounts
    ) throws(AgentFault) -> ProgramCall {
        var call = ProgramCall(
            words[0], Array(words.dropFirst()), directory: "/",
            timeoutSeconds: declaration.timeoutSeconds, outputLimit: 1 << 20)
        if let user = declaration.runAs {
            guard let uid = try accounts.knownUID(of: user) else {
                throw noAccount(user, declaration)
            }
            call.identity = ChildIdentity(uid: uid, gid: accounts.primaryGroup(of: user) ?? uid)
            let name = accounts.userName(uid)
            call.environment.removeAll { $0.hasPrefix("HOME=") }
            call.environment += [
                "HOME=\(accounts.home(of: user) ?? "/")", "USER=\(name)", "LOGNAME=\(name)",
            ]
        }
        return call
    }

    package static func diff(
        _ declaration: CommandDeclaration, _ observation: Observation
    ) -> Difference {
        switch observation {
        case .asDeclared: .asDeclared("the check exited with status 0")
        case .toBeChanged:
            .changes([
                Change(
                    "run", before: nil, after: .strings(declaration.run),
                    disruption: declaration.disruption)
            ])
        case .couldNotTell(let reason): .unknown(reason)
        case .blocked(let fault): .blocked(fault)
        }
    }

    /// None: it is not known what the program changes, and a rollback reports that.
    package static func beforeImages(
        _ declaration: CommandDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        []
    }

    package static func apply(
        _ declaration: CommandDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let accounts = try Accounts(
            on: host.machine, users: declaration.runAs.map { [$0] } ?? [])
        let attempted = "run \(declaration.run[0]) for \(declaration.name)"
        let call = try call(declaration, declaration.run, accounts)
        let result = try attempt(attempted) { () throws(SystemError) in
            try host.machine.run(call)
        }
        if result.succeeded { return }
        let output = ProgramText.excerpt(of: result)
        throw AgentFault(
            result.end == .timedOut ? "timed-out" : "command-failed", attempted,
            cause: result.endText + (output.isEmpty ? "" : ": \(output)"),
            hint: result.end == .timedOut
                ? "the program and its children were killed; raise timeout if it needs longer"
                : nil)
    }
}
