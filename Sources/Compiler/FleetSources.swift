import Diagnostics
import Inventory
import Kinds
import Templates
import Values

/// Everything compiled from, read and checked once: roles, site.yaml, and the inventory.
package final class FleetSources: Sendable {
    package let inventory: InventorySet
    /// In the order of their names.
    package let roles: [RoleDefinition]
    package let site: SiteFile
    package let files: FleetFiles
    /// Warnings about the files.
    package let warnings: [Diagnostic]
    let names: FleetNames
    let digests: FileDigests
    private let assignments: [String: Assignment]
    private let noRoles = Assignment(roles: [])

    /// Reads and checks all roles and site.yaml. Throws all faults of all files together.
    package static func load(
        files: FleetFiles, inventory: InventorySet
    ) throws(Faults) -> FleetSources {
        var faults = DiagnosticBag()
        let roles = readRoles(files, faults: &faults)
        var index: [String: Int] = [:]
        for (position, role) in roles.enumerated() { index[role.name] = position }
        let checks = RoleChecks(roles: roles, index: index)
        checks.run(faults: &faults)
        let site = SiteFile.read(files, faults: &faults)
        let digests = FileDigests(files)
        var reader = SiteResolver(
            site: site, roles: roles, index: index, checks: checks, inventory: inventory)
        reader.run(faults: &faults)
        checkConstants(roles, digests, faults: &faults)
        if faults.hasErrors { throw Faults(inOrder(faults.all)) }
        return FleetSources(
            inventory: inventory, roles: roles, site: site, files: files, digests: digests,
            assignments: reader.assignments, warnings: faults.all)
    }

    private init(
        inventory: InventorySet, roles: [RoleDefinition], site: SiteFile, files: FleetFiles,
        digests: FileDigests, assignments: [String: Assignment], warnings: [Diagnostic]
    ) {
        self.inventory = inventory
        self.roles = roles
        self.site = site
        self.files = files
        self.digests = digests
        self.assignments = assignments
        self.warnings = warnings
        names = FleetNames(inventory)
    }

    /// What a host carries; nothing for a host that no entry of site.yaml matches.
    package func assignment(of host: String) -> Assignment { assignments[host] ?? noRoles }

    /// The role of that name.
    package func role(_ name: String) -> RoleDefinition? { roles.first { $0.name == name } }

    /// Throws where a tag is on no resource of any role.
    package func checkTags(_ tags: [String]) throws(Faults) {
        let known = Set(roles.flatMap(\.resources).flatMap(\.tags))
        let unknown = tags.filter { !known.contains($0) }
        if unknown.isEmpty { return }
        throw Faults(
            unknown.map {
                Diagnostic(
                    "unknown-tag", "no resource has the tag \"\($0)\"",
                    hint: NearestName.hint(for: $0, in: known.sorted())
                        ?? (known.isEmpty
                            ? nil : "the tags are \(known.sorted().joined(separator: ", "))"),
                    exitCode: .usage)
            })
    }

    /// By file, line and column; what has no place first.
    private static func inOrder(_ faults: [Diagnostic]) -> [Diagnostic] {
        faults.enumerated().sorted { left, right in
            switch (left.element.place, right.element.place) {
            case (let a?, let b?) where a != b: a < b
            case (nil, .some): true
            case (.some, nil): false
            default: left.offset < right.offset
            }
        }.map(\.element)
    }

    private static func readRoles(
        _ files: FleetFiles, faults: inout DiagnosticBag
    ) -> [RoleDefinition] {
        let entries: [FleetFiles.Entry]
        do {
            entries = try files.list("Roles")
        } catch {
            if error != .missing {
                faults.add(Diagnostic("unreadable", "cannot read Roles", cause: error.text))
            }
            return []
        }
        return entries.filter { $0.isFolder && !$0.name.hasPrefix(".") }.map(\.name).sorted()
            .compactMap { RoleReader.read($0, files: files, faults: &faults) }
    }

    /// Resources that rest on nothing are the same everywhere: what is wrong with them is told
    /// also where no host carries them.
    private static func checkConstants(
        _ roles: [RoleDefinition], _ digests: FileDigests, faults: inout DiagnosticBag
    ) {
        let context = TemplateContext(ValueMap())
        for (position, role) in roles.enumerated() {
            let resolver = ResourceResolver(role: role, roleIndex: position, digests: digests)
            for (index, resource) in role.resources.enumerated()
            where resource.isSound && resource.reads.isEmpty {
                do {
                    _ = try resolver.resolve(index, in: context)
                } catch {
                    faults.add(error)
                }
            }
        }
    }
}

/// Works out what every host carries, and checks what is given for the roles' parameters.
struct SiteResolver {
    let site: SiteFile
    let roles: [RoleDefinition]
    let index: [String: Int]
    let checks: RoleChecks
    let inventory: InventorySet
    private(set) var assignments: [String: Assignment] = [:]

    init(
        site: SiteFile, roles: [RoleDefinition], index: [String: Int], checks: RoleChecks,
        inventory: InventorySet
    ) {
        self.site = site
        self.roles = roles
        self.index = index
        self.checks = checks
        self.inventory = inventory
    }

    mutating func run(faults: inout DiagnosticBag) {
        var matched: [String: [Int]] = [:]
        for (position, entry) in site.entries.enumerated() {
            checkArguments(of: entry, faults: &faults)
            do {
                for host in try inventory.hosts(matching: [entry.pattern], at: entry.place) {
                    matched[host, default: []].append(position)
                }
            } catch {
                faults.add(error)
            }
        }
        let builder = AssignmentBuilder(entries: site.entries, roles: roles, index: index)
        var shared: [[Int]: Assignment] = [:]
        for host in inventory.hosts {
            guard let entries = matched[host] else { continue }
            if let known = shared[entries] {
                assignments[host] = known
                continue
            }
            let new = builder.assignment(of: entries, host: host, faults: &faults)
            shared[entries] = new
            assignments[host] = new
        }
        checkInventory(faults: &faults)
    }

    /// Roles and arguments of an entry are known, and arguments without templates of their type.
    private func checkArguments(of entry: SiteFile.Entry, faults: inout DiagnosticBag) {
        for use in entry.roles {
            guard let position = index[use.role] else {
                faults.add(checks.unknownRole(use.role, at: use.place))
                continue
            }
            let carried = Assignment.Carried(role: position, arguments: [:], place: use.place)
            let resolver = ParameterResolver(
                role: roles[position], carried: carried, overrides: .none)
            for argument in use.arguments {
                guard let parameter = roles[position].parameter(argument.name) else {
                    faults.add(resolver.unknown(argument.name, at: argument.place))
                    continue
                }
                for name in argument.source.uses {
                    faults.add(contentsOf: RefusedNames.faults(of: name))
                }
                guard argument.source.isLiteral else { continue }
                do {
                    _ = try resolver.value(
                        of: argument.source, for: parameter, TemplateContext(ValueMap()))
                } catch {
                    faults.add(error)
                }
            }
        }
    }

    /// What stands under a role's name in the variables of hosts that carry it.
    private func checkInventory(faults: inout DiagnosticBag) {
        struct Seen: Hashable {
            let groups: ObjectIdentifier
            let assignment: ObjectIdentifier
        }
        var seen: Set<Seen> = []
        var told: Set<Place> = []
        for host in inventory.hosts {
            guard let assignment = assignments[host], let variables = inventory.variables(of: host)
            else { continue }
            let isNew = seen.insert(
                Seen(
                    groups: ObjectIdentifier(variables.fromGroups),
                    assignment: ObjectIdentifier(assignment))
            ).inserted
            for carried in assignment.roles {
                let role = roles[carried.role]
                var candidates = variables.own[role.name] ?? []
                if isNew { candidates += variables.fromGroups.candidates[role.name] ?? [] }
                if candidates.isEmpty { continue }
                let resolver = ParameterResolver(role: role, carried: carried, overrides: .none)
                for fault in resolver.faults(in: candidates) {
                    if let place = fault.place, !told.insert(place).inserted { continue }
                    faults.add(fault)
                }
            }
        }
    }
}
