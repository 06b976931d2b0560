/// The exit codes of muster; a number is never reused for another meaning.
package enum ExitCode: Int32, Sendable, CaseIterable {
    /// Success: nothing to do, or everything applied.
    case done = 0
    /// A host failed.
    case hostFailed = 1
    /// `plan` or `check` found differences.
    case differences = 2
    /// Some hosts were unreachable, but none failed.
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

    /// The order of precedence if several codes apply; the first wins.
    package static let precedence: [ExitCode] = [
        .interrupted, .bug, .usage, .badInput, .reverted, .hostFailed, .refused, .differences,
        .unreachable, .done,
    ]

    /// The code for a run to which all of these apply; `done` if there are none.
    package static func combined(_ codes: some Sequence<ExitCode>) -> ExitCode {
        let held = Set(codes)
        return precedence.first(where: held.contains) ?? .done
    }
}
