import Compiler
import Diagnostics
import FleetModel
import Wire

/// The facts of one host, as far as they are known.
package struct KnownFacts: Sendable, Equatable {
    package var hardware: JSON?
    package var hardwareDigest: Digest?
    package var live: JSON?

    package init(hardware: JSON? = nil, live: JSON? = nil) {
        self.hardware = hardware
        hardwareDigest = hardware.map { Digest(of: $0.canonicalBytes) }
        self.live = live
    }
}

/// The result of compiling one host.
package struct PlannedHost: Sendable {
    package var plan: CompiledPlan?
    package var blobs: [Digest: Blob]
    package var diagnostics: [Diagnostic]
    /// Whether compiling read hardware facts, or would have.
    package var usesHardware: Bool
    /// The sections of the live state that compiling read, or would have.
    package var liveSections: [String]
    /// Whether only missing facts prevent compiling.
    package var lacksFacts: Bool

    package init(
        plan: CompiledPlan?, blobs: [Digest: Blob] = [:], diagnostics: [Diagnostic] = [],
        usesHardware: Bool = false, liveSections: [String] = [], lacksFacts: Bool = false
    ) {
        self.plan = plan
        self.blobs = blobs
        self.diagnostics = diagnostics
        self.usesHardware = usesHardware
        self.liveSections = liveSections
        self.lacksFacts = lacksFacts
    }
}

/// Compiles hosts; the same facts give the same plan.
package protocol HostPlanner: Sendable {
    func plan(_ host: String, facts: KnownFacts) -> PlannedHost
    /// The bytes of a blob; throws a fault if its file has changed since.
    func bytes(of blob: Blob) throws(AgentFault) -> [UInt8]
}
