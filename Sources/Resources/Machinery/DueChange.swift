import FleetModel

/// A resource to be changed: its declaration, its observation and the changes to make.
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
    /// Made, except for the part that waits for shared work; see ``Host/carryOut(_:)``.
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
