import Diagnostics
import FleetModel
import Views

extension RunMachine {
    /// The exit code of the run; if several apply, the order of the table decides.
    ///
    /// An apply that leaves a declared change to be made, or waiting for a reboot, ends with
    /// `differences`, like a check that finds this.
    package var exitCode: ExitCode {
        var codes: Set<ExitCode> = isCancelled ? [.interrupted] : [.done]
        for host in hosts {
            if let code = exitCode(of: host) { codes.insert(code) }
        }
        return .combined(Array(codes))
    }

    private func exitCode(of host: String) -> ExitCode? {
        guard let outcome = state(of: host)?.outcome else { return .interrupted }
        switch outcome {
        case .asDeclared, .changed: return applies && isGood(host) != true ? .differences : .done
        case .differs: return .differences
        case .failed, .notCompiled, .unknown: return .hostFailed
        case .unreachable: return .unreachable
        case .refused: return .refused
        case .stopped: return .interrupted
        case .notStarted:
            switch stopReason {
            case .interrupted, nil: return .interrupted
            case .brakes: return .refused
            case .cannotRecord: return .hostFailed
            }
        }
    }
}
