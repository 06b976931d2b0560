import Diagnostics
import FleetModel
import Wire

/// What compiling one host gave.
package struct HostCompilation: Sendable {
    package let host: String
    /// Nil where something is wrong; `diagnostics` then say what.
    package let compiled: CompiledPlan?
    /// Every blob the plan names.
    package let blobs: [Digest: Blob]
    /// Errors and warnings, each once.
    package let diagnostics: [Diagnostic]
    package let factsUsed: FactsUsed
    /// Notes on resources that were left out because facts of the host are not known; only where
    /// that was asked for.
    package let skipped: [Diagnostic]

    package var plan: Plan? { compiled?.plan }

    /// Whether the only thing wrong is that facts of the host are not known.
    package var onlyNeedsFacts: Bool {
        let errors = diagnostics.filter { $0.severity == .error }
        return !errors.isEmpty && errors.allSatisfy { $0.code == FactsScope.missingCode }
    }
}

/// How hosts are compiled.
package struct CompileOptions: Sendable {
    package enum MissingFacts: Sendable {
        /// A host whose templates read facts that are not known has no plan.
        case fault
        /// What reads them is left out, and the plan is partial.
        case skip
    }

    /// Keeps only resources with one of these tags; nil keeps all.
    package var tags: [String]?
    package var missingFacts = MissingFacts.fault
    /// How many hosts are compiled at once; nil takes the machine's processors.
    package var width: Int?

    package init(
        tags: [String]? = nil, missingFacts: MissingFacts = .fault, width: Int? = nil
    ) {
        self.tags = tags
        self.missingFacts = missingFacts
        self.width = width
    }
}
