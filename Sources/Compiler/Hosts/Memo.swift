import Diagnostics
import Values

/// The results of one computation over many hosts, by the values it read.
final class Memo<Result> {
    /// Every path it reads that may differ between hosts of a class.
    private let reads: [[String]]
    /// Those that differ from host to host in any case.
    private let readsOfHost: [[String]]
    /// The variables it rests on: where the host gives one of them itself, all reads count.
    private let variables: Set<String>
    /// How often the computation was made.
    private(set) var computations = 0
    private var narrow: [[Value?]: Result] = [:]
    private var wide: [[Value?]: Result] = [:]

    /// Results beyond this many are not kept: then nearly every host has one of its own.
    private static var limit: Int { 256 }

    init(reads: [[String]], readsOfHost: [[String]], variables: Set<String>) {
        self.reads = reads
        self.readsOfHost = readsOfHost
        self.variables = variables
    }

    /// The result on a host: a kept one where the values are the same, else a new one.
    ///
    /// `own` are the variables that the host gives itself and something in its class rests on.
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
                // Whether it is needed at all is for the computation to say.
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
