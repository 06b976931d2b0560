import FleetModel

extension HostView {
    /// Whether nothing declared is left to be made on the host: a check now would find no difference.
    ///
    /// What waits for a reboot is left, and so is a handler that has still to run, what could not be
    /// told, and a finding that no apply mends.
    package var isClean: Bool {
        guard outcome == .asDeclared || outcome == .changed else { return false }
        let settled: Set<ResourceReport.Outcome> = [.asDeclared, .changed, .notApplicable]
        return resources.allSatisfy { settled.contains($0.outcome) && $0.findings.isEmpty }
            && handlers.allSatisfy { $0.outcome == .ran }
    }
}
