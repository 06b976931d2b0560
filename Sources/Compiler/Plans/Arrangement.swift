import Diagnostics
import FleetModel
import Kinds
import Values

/// The order of a host's resources, and the predecessors of each.
///
/// It depends only on names, claims and references, so that hosts that differ only in attribute
/// values share one arrangement.
final class Arrangement: Sendable {
    /// Indices of the resources in the order of the plan.
    let order: [Int]
    /// By index: the addresses of the predecessors, in the order of the plan.
    let requires: [[String]]
    /// By index: the canonical text of these predecessors.
    let requiresBytes: [[UInt8]]
    /// By index of a purging directory: its entries that are declared.
    let declaredNames: [Int: [String]]
    /// The faults; if there are any, all other members are empty.
    let faults: [Diagnostic]

    init(order: [Int], requires: [[String]], declaredNames: [Int: [String]]) {
        self.order = order
        self.requires = requires
        requiresBytes = requires.map(ResourceBytes.text)
        self.declaredNames = declaredNames
        faults = []
    }

    init(faults: [Diagnostic]) {
        order = []
        requires = []
        requiresBytes = []
        declaredNames = [:]
        self.faults = faults
    }
}

/// Arranges resources: conflicts between claims, references, implicit order, cycles.
struct Arranger {
    let resources: [ResolvedResource]
    let roles: [RoleDefinition]
    /// The roles the host carries.
    let carried: [Int]
    private var faults = DiagnosticBag()
    private var owners: [Claim: Int] = [:]
    private var providers: [Claim: [Int]] = [:]
    private var indexByAddress: [String: Int] = [:]
    /// By index: the predecessors, each with the reason.
    private var before: [[Edge]]

    private struct Edge {
        let index: Int
        let reason: String
        let place: Place
    }

    init(_ resources: [ResolvedResource], roles: [RoleDefinition], carried: [Int]) {
        self.resources = resources
        self.roles = roles
        self.carried = carried
        before = [[Edge]](repeating: [], count: resources.count)
    }

    mutating func run() -> Arrangement {
        checkAddresses()
        gatherClaims()
        checkLines()
        for index in resources.indices {
            addReferences(of: index)
            addNeeds(of: index)
        }
        if faults.hasErrors { return Arrangement(faults: faults.all) }
        let edges = before.map { edges in
            var seen: Set<Int> = []
            return edges.map(\.index).filter { seen.insert($0).inserted }
        }
        switch DependencyOrder.of(edges) {
        case .cycle(let cycle):
            return Arrangement(faults: [fault(of: cycle)])
        case .order(let order):
            var rank = [Int](repeating: 0, count: order.count)
            for (position, index) in order.enumerated() { rank[index] = position }
            let requires = edges.map { others in
                others.sorted { rank[$0] < rank[$1] }.map { resources[$0].planned.address }
            }
            return Arrangement(order: order, requires: requires, declaredNames: declaredNames())
        }
    }

    // MARK: Conflicts

    private mutating func checkAddresses() {
        for (index, resource) in resources.enumerated() {
            let address = resource.planned.address
            if let first = indexByAddress[address] {
                faults.add(conflict("are both \(address)", first, index))
            } else {
                indexByAddress[address] = index
            }
        }
    }

    private mutating func gatherClaims() {
        var told: Set<[Int]> = []
        for (index, resource) in resources.enumerated() {
            for claim in resource.owns {
                if let first = owners[claim] {
                    // Equal addresses were already reported as one fault.
                    if first != index,
                        resources[first].planned.address != resource.planned.address,
                        told.insert([first, index]).inserted
                    {
                        faults.add(conflict("both own \(claim.text)", first, index))
                    }
                } else {
                    owners[claim] = index
                }
            }
            for claim in resource.provides { providers[claim, default: []].append(index) }
        }
    }

    /// Finds lines in files that another resource owns as a whole and would overwrite.
    private mutating func checkLines() {
        for (index, resource) in resources.enumerated() {
            for case .linePattern(let path, _) in resource.owns {
                guard let owner = owners[.path(path)], owner != index,
                    resources[owner].planned.kind.schema.traits.ownsWholeFiles
                else { continue }
                faults.add(conflict("both own lines of \(path)", owner, index))
            }
        }
    }

    private func conflict(_ what: String, _ first: Int, _ second: Int) -> Diagnostic {
        let (a, b) = (resources[first], resources[second])
        return Diagnostic(
            "conflict", "\(a.label) and \(b.label) \(what)", at: b.place,
            hint: a.definition == b.definition
                ? "two elements of its for_each result in the same name"
                : "declare it only once, or choose one of the two with \"when\"",
            related: [Diagnostic.Related(a.place, "the other one")])
    }

    // MARK: Order

    private mutating func addReferences(of index: Int) {
        for requirement in resources[index].requires {
            let found = matches(requirement.reference, from: resources[index])
            for other in found where other != index {
                before[index].append(
                    Edge(index: other, reason: "requires it", place: requirement.place))
            }
            if found.isEmpty { checkMissing(requirement, of: resources[index]) }
        }
    }

    private func matches(_ reference: ResourceReference, from resource: ResolvedResource) -> [Int] {
        resources.indices.filter { index in
            let other = resources[index]
            switch reference {
            case .id(let role, let id):
                let name = role ?? roles[resource.definition.role].name
                return other.id == id && roles[other.definition.role].name == name
            case .thing(let role, let kind, let name):
                guard other.planned.kind == kind else { return false }
                if let role, roles[other.definition.role].name != role { return false }
                return kind.schema.traits.names.isSame(other.planned.name, name)
            }
        }
    }

    /// Handles a required resource that the host lacks: a fault, unless its `when` excludes it.
    private mutating func checkMissing(
        _ requirement: ResolvedResource.Requirement, of resource: ResolvedResource
    ) {
        switch requirement.reference {
        case .id(let roleName, let id):
            let name = roleName ?? roles[resource.definition.role].name
            guard !carried.contains(where: { roles[$0].name == name }) else {
                if let role = carried.first(where: { roles[$0].name == name }),
                    !roles[role].resources.contains(where: { $0.id == id })
                {
                    faults.add(
                        Diagnostic(
                            "unknown-resource",
                            "the role \(name) has no resource with the id "
                                + "\"\(id)\"", at: requirement.place,
                            hint: NearestName.hint(
                                for: id, in: roles[role].resources.compactMap(\.id))))
                }
                return
            }
            faults.add(
                Diagnostic(
                    "role-not-carried",
                    "\(resource.label) requires \(name)/\(id), but the host does not carry the"
                        + " role",
                    at: requirement.place,
                    hint: "add \(name) to the requires of the role "
                        + roles[resource.definition.role].name))
        case .thing(let roleName, let kind, let name):
            let present = Set(resources.map(\.definition))
            for role in carried where roleName == nil || roles[role].name == roleName {
                for (index, definition) in roles[role].resources.enumerated()
                where definition.kind == kind && !present.contains(.init(role: role, index: index))
                {
                    guard case .constant(let constant, _) = definition.name,
                        case .string(let other) = constant
                    else { return }
                    if kind.schema.traits.names.isSame(other, name) { return }
                }
            }
            let names = resources.filter { $0.planned.kind == kind }.map(\.planned.name)
            faults.add(
                Diagnostic(
                    "unknown-resource",
                    "\(resource.label) requires \(kind.rawValue) \(name), which nothing declares",
                    at: requirement.place, hint: NearestName.hint(for: name, in: names)))
        }
    }

    /// Adds the order that claims imply.
    ///
    /// An absent resource comes after all resources that need it.
    private mutating func addNeeds(of index: Int) {
        let resource = resources[index]
        for need in resource.needs {
            var others = providers[need] ?? []
            if let owner = owners[need] { others.append(owner) }
            for other in others where other != index {
                let needed = resources[other]
                guard needed.isAbsent else {
                    before[index].append(
                        Edge(index: other, reason: "needs \(need.text)", place: resource.place))
                    continue
                }
                if contradicts(resource, need) {
                    faults.add(
                        Diagnostic(
                            "conflict",
                            "\(resource.label) needs \(need.text), which \(needed.label) removes",
                            at: resource.place,
                            related: [Diagnostic.Related(needed.place, "removed here")]))
                }
                before[other].append(
                    Edge(
                        index: index, reason: "removes \(need.text), which it needs",
                        place: needed.place))
            }
        }
    }

    /// Whether a resource cannot exist while something it needs is declared absent.
    private func contradicts(_ resource: ResolvedResource, _ need: Claim) -> Bool {
        if resource.isAbsent { return false }
        switch need {
        case .user, .group: return true
        case .path(let path):
            return resource.owns.contains { claim in
                if case .path(let own) = claim { return own.hasPrefix(path + "/") }
                return false
            }
        default: return false
        }
    }

    /// `a needs the path /x of b; b requires it … a`.
    private func fault(of cycle: [Int]) -> Diagnostic {
        var steps: [String] = []
        var related: [Diagnostic.Related] = []
        // In the cycle, each comes after the one before it, and the first after the last.
        for (position, index) in cycle.enumerated().reversed() {
            let previous = cycle[position == 0 ? cycle.count - 1 : position - 1]
            guard let edge = before[index].first(where: { $0.index == previous }) else { continue }
            let (label, other) = (resources[index].label, resources[previous].label)
            steps.append("\(label) → \(other)")
            related.append(
                Diagnostic.Related(edge.place, "\(label) comes after \(other): \(edge.reason)"))
        }
        let path = (cycle.reversed() + [cycle.last ?? 0]).map { resources[$0].label }
        return Diagnostic(
            "cycle", "resources wait for each other: \(path.joined(separator: " → "))",
            at: resources[cycle.last ?? 0].place,
            hint: "remove one of these requires, or one of the attributes that name the other",
            related: related)
    }

    private func declaredNames() -> [Int: [String]] {
        var all: [Int: [String]] = [:]
        for (index, resource) in resources.enumerated() {
            guard let directory = resource.purgedDirectory else { continue }
            let claims = resources.lazy.filter { !$0.isAbsent }.flatMap(\.owns)
            all[index] = Claim.names(in: directory, of: claims)
        }
        return all
    }
}

extension ResolvedResource {
    /// The name in messages: `file /etc/motd`.
    var label: String { "\(planned.kind.rawValue) \(planned.name)" }
}
