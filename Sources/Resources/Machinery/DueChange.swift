import FleetModel

/// A resource that is to be changed: what it is to be, what was found, what of it to change.
package struct DueChange<Behaviour: ResourceBehaviour> {
    package let declaration: Behaviour.Declaration
    package let observation: Behaviour.Observation
    package let changes: [Change]

    package init(
        _ declaration: Behaviour.Declaration, _ observation: Behaviour.Observation,
        changes: [Change]
    ) {
        self.declaration = declaration
        self.observation = observation
        self.changes = changes
    }
}

/// How the change of one resource went.
package enum ChangeOutcome {
    case made
    /// All but what waits for work that others may want too; see ``Host/carryOut(_:)``.
    case waits(SharedWait)
    case failed(AgentFault)
}

extension Host {
    /// The outcome of a change.
    func outcome(of change: () throws(AgentFault) -> Void) -> ChangeOutcome {
        waiting = nil
        do throws(AgentFault) {
            try change()
        } catch {
            waiting = nil
            return .failed(error)
        }
        defer { waiting = nil }
        return waiting.map { .waits($0) } ?? .made
    }
}
