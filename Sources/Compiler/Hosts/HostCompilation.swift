import Diagnostics
import FleetModel
import Wire

/// The result of compiling one host.
package struct HostCompilation: Sendable {
    package let host: String
    /// Nil if there are errors; see `diagnostics`.
    package let compiled: CompiledPlan?
    /// All blobs that the plan references.
    package let blobs: [Digest: Blob]
    /// Errors and warnings, without duplicates.
    package let diagnostics: [Diagnostic]
    package let factsUsed: FactsUsed
    /// Notes on resources that were left out because facts are missing; only for `.skip`.
    package let skipped: [Diagnostic]

    package var plan: Plan? { compiled?.plan }

    /// Whether missing facts of the host are the only errors.
    package var onlyNeedsFacts: Bool {
        let errors = diagnostics.filter { $0.severity == .error }
        return !errors.isEmpty && errors.allSatisfy { $0.code == FactsScope.missingCode }
    }
}

/// How hosts are compiled.
package struct CompileOptions: Sendable {
    package enum MissingFacts: Sendable {
        /// A host whose templates read missing facts has no plan.
        case fault
        /// Resources that read missing facts are left out, and the plan is partial.
        case skip
    }

    /// Keeps only resources with one of these tags; nil keeps all.
    package var tags: [String]?
    package var missingFacts = MissingFacts.fault
    /// How many hosts are compiled in parallel; nil means the number of processors.
    package var width: Int?

    package init(
        tags: [String]? = nil, missingFacts: MissingFacts = .fault, width: Int? = nil
    ) {
        self.tags = tags
        self.missingFacts = missingFacts
        self.width = width
    }
}
