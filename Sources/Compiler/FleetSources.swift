import Diagnostics
import Inventory
import Kinds
import Templates
import Values

/// The inputs of the compiler, read and checked once: roles, site.yaml, and the inventory.
package final class FleetSources: Sendable {
    package let inventory: InventorySet
    /// In the order of their names.
    package let roles: [RoleDefinition]
    package let site: SiteFile
    package let files: FleetFiles
    /// Warnings about the files.
    package let warnings: [Diagnostic]
    /// The names of variables that at least one host has.
    package let variables: Set<String>
    let names: FleetNames
    let digests: FileDigests
    private let assignments: [String: Assignment]
    private let noRoles = Assignment(roles: [])

    /// Reads and checks all roles and site.yaml.
    ///
    /// Throws all faults of all files together.
    package static func load(
        files: FleetFiles, inventory: InventorySet
    ) throws(Faults) -> FleetSources {
        var faults = DiagnosticBag()
        let roles = readRoles(files, faults: &faults)
        var index: [String: Int] = [:]
        for (position, role) in roles.enumerated() { index[role.name] = position }
        let unread = Set(roleNames(files)).subtracting(index.keys)
        let checks = RoleChecks(roles: roles, index: index, unread: unread)
        checks.run(faults: &faults)
        let site = SiteFile.read(files, faults: &faults)
        let digests = FileDigests(files)
        var reader = SiteResolver(
            site: site, roles: roles, index: index, checks: checks, inventory: inventory)
        reader.run(faults: &faults)
        checkConstants(roles, digests, faults: &faults)
        RoleWarnings(roles: roles, carried: reader.carried, variables: reader.variables)
            .run(bag: &faults)
        if faults.hasErrors { throw Faults(inOrder(faults.all)) }
        return FleetSources(
            inventory: inventory, roles: roles, site: site, files: files, digests: digests,
            assignments: reader.assignments, variables: reader.variables,
            warnings: inOrder(faults.all))
    }

    private init(
        inventory: InventorySet, roles: [RoleDefinition], site: SiteFile, files: FleetFiles,
        digests: FileDigests, assignments: [String: Assignment], variables: Set<String>,
        warnings: [Diagnostic]
    ) {
        self.inventory = inventory
        self.roles = roles
        self.site = site
        self.files = files
        self.digests = digests
        self.assignments = assignments
        self.variables = variables
        self.warnings = warnings
        names = FleetNames(inventory)
    }

    /// The roles of a host; empty if no entry of site.yaml matches the host.
    package func assignment(of host: String) -> Assignment { assignments[host] ?? noRoles }

    /// The role of that name.
    package func role(_ name: String) -> RoleDefinition? { roles.first { $0.name == name } }

    /// Throws if no resource of any role has one of these tags.
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

    /// Sorts by file, line and column; faults without a place come first.
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
                faults.add(
                    Diagnostic(
                        "unreadable", "cannot read Roles", cause: error.text,
                        hint: error.hint))
            }
            return []
        }
        return names(of: entries).compactMap {
            RoleReader.read($0, files: files, faults: &faults)
        }
    }

    /// The names of all role folders, including those whose files cannot be read.
    private static func roleNames(_ files: FleetFiles) -> [String] {
        names(of: (try? files.list("Roles")) ?? [])
    }

    private static func names(of entries: [FleetFiles.Entry]) -> [String] {
        entries.filter { $0.isFolder && !$0.name.hasPrefix(".") }.map(\.name).sorted()
    }

    /// Checks resources that read no variables, which are the same on every host.
    ///
    /// Their faults are reported even if no host carries the role.
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
