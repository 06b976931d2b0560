import FleetModel
import Kinds
import Linux

/// Observes each declaration; reads the accounts of the machine once for all of them.
func observeEach<D: ResourceDeclaration, O: Sendable>(
    _ declarations: [D], on host: Host, owner: (D) -> String?, group: (D) -> String?,
    _ observe: (D, Accounts) throws(AgentFault) -> O
) -> [Result<O, AgentFault>] {
    let accounts: Accounts
    do {
        accounts = try Accounts(
            on: host.machine, users: declarations.compactMap(owner),
            groups: declarations.compactMap(group))
    } catch {
        return declarations.map { _ in .failure(error) }
    }
    return observeEach(declarations) { (declaration) throws(AgentFault) in
        try observe(declaration, accounts)
    }
}

/// Observes each declaration; a fault of one does not affect the others.
func observeEach<D, O: Sendable>(
    _ declarations: [D], _ observe: (D) throws(AgentFault) -> O
) -> [Result<O, AgentFault>] {
    var results: [Result<O, AgentFault>] = []
    for declaration in declarations {
        do throws(AgentFault) {
            results.append(.success(try observe(declaration)))
        } catch {
            results.append(.failure(error))
        }
    }
    return results
}
