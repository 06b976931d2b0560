import Diagnostics
import FleetModel
import Inventory
import Synchronization
import Values

/// Compiles hosts to plans.
///
/// The same inputs give the same bytes, in any order and on any number of threads.
package final class Compiler: Sendable {
    package let sources: FleetSources
    private let overrides: Overrides
    private let idle = Mutex<[Worker]>([])

    /// A host compiler that is lent to one thread at a time.
    ///
    /// Unchecked: only the thread that took it out of the pool uses it, until it is put back.
    private struct Worker: @unchecked Sendable {
        let compiler: HostCompiler
    }

    /// `settings` are the texts of `--set`: `NAME=VALUE`, `ROLE.PARAMETER=VALUE`.
    package init(_ sources: FleetSources, settings: [String] = []) throws(Faults) {
        self.sources = sources
        overrides = try Overrides(settings, sources: sources)
    }

    /// The names of the roles that a host carries, in order.
    package func roles(of host: String) -> [String] {
        sources.assignment(of: host).roles.map { sources.roles[$0.role].name }
    }

    /// Compiles one host.
    package func compile(
        host: String, facts: HostFactsInput = .none, options: CompileOptions = CompileOptions()
    ) -> HostCompilation {
        let worker = take()
        defer { giveBack(worker) }
        return worker.compiler.compile(host, facts: facts, options)
    }

    /// Compiles hosts on all processors and calls `each` for every result on the calling thread.
    ///
    /// The calls are in the order of `hosts`. At most a few hundred results are held at a time.
    package func compile(
        hosts: [String], facts: @escaping @Sendable (String) -> HostFactsInput = { _ in .none },
        options: CompileOptions = CompileOptions(), each: (HostCompilation) -> Void
    ) {
        let size = 16
        let chunks = (hosts.count + size - 1) / size
        OrderedParallel.run(count: chunks, width: options.width) { chunk in
            let worker = self.take()
            defer { self.giveBack(worker) }
            let range = (chunk * size)..<min(hosts.count, (chunk + 1) * size)
            return hosts[range].map {
                worker.compiler.compile($0, facts: facts($0), options)
            }
        } deliver: { (results: [HostCompilation]) in
            for result in results { each(result) }
        }
    }

    /// Explains where a host's value comes from.
    ///
    /// `name` is a variable, `ROLE.PARAMETER`, or `ROLE` for all its parameters.
    package func explain(
        host: String, name: String, facts: HostFactsInput = .none
    ) throws(Faults) -> [Explanation] {
        let worker = take()
        defer { giveBack(worker) }
        return try worker.compiler.explain(host, name, facts: facts)
    }

    private func take() -> Worker {
        if let worker = idle.withLock({ $0.popLast() }) { return worker }
        return Worker(compiler: HostCompiler(sources, overrides: overrides))
    }

    private func giveBack(_ worker: Worker) { idle.withLock { $0.append(worker) } }
}
