import Diagnostics
import Values

/// A cache of the results of one computation for many hosts, by the values that it reads.
final class Memo<Result> {
    /// All paths it reads that may differ between hosts of a class.
    private let reads: [[String]]
    /// The paths among them that depend on the host's name or facts.
    private let readsOfHost: [[String]]
    /// The variables it depends on: if the host sets one of them itself, all reads are compared.
    private let variables: Set<String>
    /// How often the computation was made.
    private(set) var computations = 0
    private var narrow: [[Value?]: Result] = [:]
    private var wide: [[Value?]: Result] = [:]

    /// The maximum number of cached results: with more, nearly every host has its own result.
    private static var limit: Int { 256 }

    init(reads: [[String]], readsOfHost: [[String]], variables: Set<String>) {
        self.reads = reads
        self.readsOfHost = readsOfHost
        self.variables = variables
    }

    /// The result for a host: the cached one if the values read are equal, else a new one.
    ///
    /// `own` are the variables that the host sets itself and on which its class depends.
    func result(
        in scope: RoleScope, own: Set<String>, compute: () throws(Faults) -> Result
    ) throws(Faults) -> Result {
        let isNarrow = own.isDisjoint(with: variables)
        let paths = isNarrow ? readsOfHost : reads
        var key: [Value?] = []
        key.reserveCapacity(paths.count)
        scope.want(paths)
        for path in paths {
            do {
                key.append(try scope.value(at: path))
            } catch {
                // The computation decides whether it needs this value, and reports the fault.
                computations += 1
                return try compute()
            }
        }
        if let known = isNarrow ? narrow[key] : wide[key] { return known }
        computations += 1
        let result = try compute()
        if isNarrow, narrow.count < Self.limit { narrow[key] = result }
        if !isNarrow, wide.count < Self.limit { wide[key] = result }
        return result
    }
}
