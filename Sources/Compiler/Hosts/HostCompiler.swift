import Diagnostics
import FleetModel
import Inventory
import Kinds
import Values
import Wire

/// Compiles hosts one after the other and caches what they share.
///
/// The caches affect only speed, never a result. Not thread-safe.
final class HostCompiler {
    let sources: FleetSources
    private let overrides: Overrides
    private let interner = StructureInterner()
    private var groupScopes: [ObjectIdentifier: GroupScope] = [:]
    private var classes: [ClassKey: HostClass] = [:]
    private var arrangements: [ArrangementKey: Arrangement] = [:]
    private var assemblies: [AssemblyKey: KeptAssembly] = [:]

    /// The maximum number of cached arrangements, and of cached assemblies.
    private static let limit = 512

    private struct ClassKey: Hashable {
        let groups: ObjectIdentifier
        let assignment: ObjectIdentifier
    }

    private struct ArrangementKey: Hashable {
        let assignment: ObjectIdentifier
        let structures: [Int]
    }

    private struct AssemblyKey: Hashable {
        let arrangement: ObjectIdentifier
        let resources: [ObjectIdentifier]
        let handlers: [ObjectIdentifier]
        let tags: [String]?
    }

    /// Retains the objects in its key, so that no other object can get the same identity.
    private struct KeptAssembly {
        let assembly: Assembly
        let arrangement: Arrangement
        let resources: [ResolvedResource]
        let handlers: [ResolvedHandler]
    }

    init(_ sources: FleetSources, overrides: Overrides) {
        self.sources = sources
        self.overrides = overrides
    }

    // MARK: One host

    func compile(_ host: String, facts input: HostFactsInput, _ options: CompileOptions)
        -> HostCompilation
    {
        guard let variables = sources.inventory.variables(of: host) else {
            let unknown = Diagnostic(
                "unknown-host", "there is no host \"\(host)\"",
                hint: NearestName.hint(for: host, in: sources.inventory.hosts))
            return failed(host, [unknown], FactsUsed())
        }
        let hostClass = hostClass(of: variables)
        let facts = FactsScope(input, host: host)
        let scope = HostScope(variables, shared: hostClass.groups, facts: facts)
        var run = HostRun(hostClass: hostClass, scope: scope, variables: variables)
        run.resolve(sources: sources, interner: interner)

        let missing = run.faults.all.filter { $0.code == FactsScope.missingCode }
        var faults = run.faults.all.filter { $0.code != FactsScope.missingCode }
        if options.missingFacts == .fault, let first = missing.first { faults.append(first) }
        let isWhole = !faults.contains { $0.severity == .error }
        var handlers: [ResolvedHandler] = []
        do {
            handlers = try run.handlers()
        } catch {
            faults += error.all
        }
        // If a resource is missing, references to it would be reported as faults too.
        guard isWhole else {
            return failed(host, faults, facts.used)
        }
        let (arrangement, isNew) = arrangement(of: run, in: hostClass)
        faults += arrangement.faults + QueueCheck.faults(run.resources)
        if faults.contains(where: { $0.severity == .error }) {
            return failed(host, faults, facts.used)
        }
        let assembly = assembly(
            of: run.resources, arrangement, handlers: handlers, tags: options.tags)
        let used = facts.used
        let plan = Plan(
            host: host, factsDigest: used.needsHardware ? input.digest : nil,
            isPartial: options.tags != nil || !missing.isEmpty, resources: assembly.resources,
            handlers: assembly.handlers)
        let bytes = Self.bytes(of: plan, assembly)
        // How the bytes are composed depends only on the arrangement: one check for each is enough.
        let findings = assembly.findings + (isNew ? PlanChecker.check(plan, bytes: bytes) : [])
        if !findings.isEmpty {
            return failed(host, faults + findings.map(Self.bug), used)
        }
        return HostCompilation(
            host: host,
            compiled: CompiledPlan(
                plan: plan, bytes: bytes, digest: Digest(of: bytes), origins: assembly.origins),
            blobs: assembly.blobs, diagnostics: Self.unique(faults), factsUsed: used,
            skipped: options.missingFacts == .skip ? run.leftOut : [])
    }

    private func failed(_ host: String, _ faults: [Diagnostic], _ used: FactsUsed)
        -> HostCompilation
    {
        HostCompilation(
            host: host, compiled: nil, blobs: [:], diagnostics: Self.unique(faults),
            factsUsed: used, skipped: [])
    }

    private static func bug(_ finding: PlanChecker.Finding) -> Diagnostic {
        Diagnostic(
            "unsound-plan", "the plan is not valid: \(finding)",
            cause: "this is a bug in muster, not an error in your files", exitCode: .bug)
    }

    /// Removes duplicates and keeps the order.
    private static func unique(_ faults: [Diagnostic]) -> [Diagnostic] {
        struct Key: Hashable {
            let code: String
            let summary: String
            let place: Place?
        }
        var seen: Set<Key> = []
        return faults.filter {
            seen.insert(Key(code: $0.code, summary: $0.summary, place: $0.place)).inserted
        }
    }

    // MARK: What hosts share

    /// The class of a host, with everything it shares with other hosts.
    func hostClass(of variables: HostVariables) -> HostClass {
        let assignment = sources.assignment(of: variables.host)
        let groups = variables.fromGroups
        let key = ClassKey(
            groups: ObjectIdentifier(groups), assignment: ObjectIdentifier(assignment))
        if let known = classes[key] { return known }
        let scope =
            groupScopes[key.groups]
            ?? GroupScope(groups, fleet: sources.names, overrides: overrides)
        groupScopes[key.groups] = scope
        let new = HostClass(groups: scope, assignment: assignment, fleet: sources.roles)
        classes[key] = new
        return new
    }

    /// How often resources of a role were computed, for tests.
    func computations(ofRole name: String) -> Int {
        classes.values.flatMap(\.roles).filter { $0.role.name == name }
            .flatMap(\.resources).reduce(0) { $0 + $1.computations }
    }

    /// The arrangement of the host's resources, and whether it is new.
    private func arrangement(
        of run: HostRun, in hostClass: HostClass
    ) -> (Arrangement, isNew: Bool) {
        let key = ArrangementKey(
            assignment: ObjectIdentifier(hostClass.assignment), structures: run.structures)
        if let known = arrangements[key] { return (known, false) }
        var arranger = Arranger(
            run.resources, roles: sources.roles, carried: hostClass.assignment.roleIndices)
        let arrangement = arranger.run()
        if arrangements.count < Self.limit { arrangements[key] = arrangement }
        return (arrangement, true)
    }

    private func assembly(
        of resources: [ResolvedResource], _ arrangement: Arrangement,
        handlers: [ResolvedHandler], tags: [String]?
    ) -> Assembly {
        let key = AssemblyKey(
            arrangement: ObjectIdentifier(arrangement),
            resources: resources.map(ObjectIdentifier.init),
            handlers: handlers.map(ObjectIdentifier.init), tags: tags)
        if let known = assemblies[key] { return known.assembly }
        let assembly = Assembly(
            resources, arrangement, handlers: handlers, tags: tags.map(Set.init))
        if assemblies.count < Self.limit {
            assemblies[key] = KeptAssembly(
                assembly: assembly, arrangement: arrangement, resources: resources,
                handlers: handlers)
        }
        return assembly
    }

    /// The plan's canonical bytes, composed from parts that hosts share.
    ///
    /// Equal to `plan.json.canonicalBytes`, but resources are not encoded again for every host.
    private static func bytes(of plan: Plan, _ assembly: Assembly) -> [UInt8] {
        var frame = plan
        frame.resources = []
        frame.handlers = []
        // Members are sorted by name, and each of these two occurs once, as an empty list.
        let text = frame.json.canonicalBytes
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            text.count + assembly.resourcesBytes.count + assembly.handlersBytes.count)
        var rest = text[...]
        for (member, content) in [
            ("\"handlers\":", assembly.handlersBytes), ("\"resources\":", assembly.resourcesBytes),
        ] {
            guard let end = Self.end(of: Array((member + "[]").utf8), in: rest) else {
                return plan.json.canonicalBytes
            }
            bytes += rest[..<(end - 2)]
            bytes += content
            rest = rest[end...]
        }
        return bytes + rest
    }

    /// The index after the first occurrence.
    private static func end(of pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        for start in bytes.startIndex...(bytes.endIndex - pattern.count)
        where bytes[start..<(start + pattern.count)].elementsEqual(pattern) {
            return start + pattern.count
        }
        return nil
    }
}
