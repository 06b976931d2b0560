import FleetModel

/// The steps that a change has made so far, to be undone if a later step fails.
struct Undo {
    private var steps: [Restoration] = []

    /// Adds a restoration of the current state, before that is changed.
    mutating func add(_ step: Restoration) { steps.append(step) }

    /// Puts everything back, the latest first; a failure does not stop the others.
    ///
    /// Returns the original fault with the outcome added: that all was put back and checked, or
    /// what could not be put back and why.
    func after(_ fault: AgentFault) -> AgentFault {
        if steps.isEmpty { return fault }
        var left: [String] = []
        for step in steps.reversed() {
            do throws(AgentFault) {
                _ = try step.run()
            } catch {
                left.append("\(step.what) (\(error.cause))")
            }
        }
        var fault = fault
        let note: String
        if left.isEmpty {
            note = Undo.isBackNote
        } else {
            fault.cause += "; not put back: " + left.joined(separator: ", ")
            note = "put that back by hand, or repair the host and apply again"
        }
        fault.hint = fault.hint.map { "\($0); \(note)" } ?? note
        return fault
    }

    /// The hint if everything was put back and checked.
    static let isBackNote = "the earlier state is restored"
}

/// Makes a change of several steps; if one fails, the steps before it are undone.
func undoing<T>(
    _ body: (inout Undo) throws(AgentFault) -> T
) throws(AgentFault) -> T {
    var undo = Undo()
    do throws(AgentFault) {
        return try body(&undo)
    } catch {
        throw undo.after(error)
    }
}
