/// How a run of muster ends: one table, never reused.
package enum ExitCode: Int32, Sendable, CaseIterable {
    /// Done, nothing to do, or all applied.
    case done = 0
    /// A host failed.
    case hostFailed = 1
    /// `plan` or `check` found differences.
    case differences = 2
    /// Some hosts were unreachable and nothing failed.
    case unreachable = 3
    /// A change was reverted.
    case reverted = 4
    /// Refused: a stale plan, a closed window, a lock, a policy.
    case refused = 5
    /// Wrong usage of the command line.
    case usage = 64
    /// Bad input files.
    case badInput = 65
    /// A bug in muster.
    case bug = 70
    /// Interrupted.
    case interrupted = 130

    /// The order in which one is chosen when several hold; the first wins.
    package static let precedence: [ExitCode] = [
        .interrupted, .bug, .usage, .badInput, .reverted, .hostFailed, .refused, .differences,
        .unreachable, .done,
    ]

    /// The code for a run in which all of these hold; done where there are none.
    package static func combined(_ codes: some Sequence<ExitCode>) -> ExitCode {
        let held = Set(codes)
        return precedence.first(where: held.contains) ?? .done
    }
}
