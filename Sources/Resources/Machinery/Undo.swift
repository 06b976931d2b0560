import FleetModel

/// What a change has set so far, so that it is put back where a later step of it fails.
struct Undo {
    private var steps: [Restoration] = []

    /// Takes note of what is there, before it is changed.
    mutating func add(_ step: Restoration) { steps.append(step) }

    /// Puts everything back, the latest first, each whatever came of the others.
    ///
    /// Gives the fault that made it necessary with what came of that: that all was read and is there
    /// again, or what is not there and why.
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
            note = "put that back by hand, or apply again once the host is mended"
        }
        fault.hint = fault.hint.map { "\($0); \(note)" } ?? note
        return fault
    }

    /// What a hint says where everything was read again and is as it was.
    static let isBackNote = "what was there before is there again"
}

/// Makes a change of several steps; where one fails, those before it are put back.
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
