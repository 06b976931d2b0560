import FleetModel

extension HostView {
    /// Whether the host is completely as declared: a check now would find no difference.
    ///
    /// False if a change waits for a reboot, a handler still has to run, the state of a resource is
    /// not known, or there is a finding, which an apply does not correct.
    package var isClean: Bool {
        guard outcome == .asDeclared || outcome == .changed else { return false }
        let settled: Set<ResourceReport.Outcome> = [.asDeclared, .changed, .notApplicable]
        return resources.allSatisfy { settled.contains($0.outcome) && $0.findings.isEmpty }
            && handlers.allSatisfy { $0.outcome == .ran }
    }
}
