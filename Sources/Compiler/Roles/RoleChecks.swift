import Diagnostics
import FleetModel
import Templates

/// Checks over all roles together that need no host.
struct RoleChecks {
    let roles: [RoleDefinition]
    let index: [String: Int]
    /// Roles that exist but could not be read; only that fault is reported for them.
    let unread: Set<String>

    func run(faults: inout DiagnosticBag) {
        for role in roles {
            for (name, place) in role.requires where index[name] == nil {
                addUnknownRole(name, at: place, to: &faults)
            }
            for resource in role.resources {
                checkNotify(resource, of: role, faults: &faults)
                checkRequires(resource, of: role, faults: &faults)
            }
            checkNames(of: role, faults: &faults)
        }
        checkCycles(faults: &faults)
    }

    /// Reports an unknown role, unless the role exists but could not be read.
    func addUnknownRole(_ name: String, at place: Place, to faults: inout DiagnosticBag) {
        if unread.contains(name) { return }
        faults.add(
            Diagnostic(
                "unknown-role", "there is no role \"\(name)\"", at: place,
                hint: NearestName.hint(for: name, in: index.keys)
                    ?? "a role is a folder Roles/NAME with a role.yaml"))
    }

    // MARK: References

    private func checkNotify(
        _ resource: ResourceDefinition, of role: RoleDefinition, faults: inout DiagnosticBag
    ) {
        for (reference, place) in resource.notify {
            guard let other = index[reference.role] else {
                addUnknownRole(reference.role, at: place, to: &faults)
                continue
            }
            let known = roles[other].handlers.map(\.id)
            if !known.contains(reference.id) {
                faults.add(
                    Diagnostic(
                        "unknown-handler",
                        "the role \(reference.role) has no handler \"\(reference.id)\"",
                        at: place,
                        hint: NearestName.hint(for: reference.id, in: known)
                            ?? (known.isEmpty ? nil : "it has \(known.joined(separator: ", "))")))
            }
        }
    }

    private func checkRequires(
        _ resource: ResourceDefinition, of role: RoleDefinition, faults: inout DiagnosticBag
    ) {
        for requirement in resource.requires {
            guard case .constant(let reference) = requirement.content else { continue }
            let (roleName, id): (String?, String?) =
                switch reference {
                case .id(let role, let id): (role, id)
                case .thing(let role, _, _): (role, nil)
                }
            let target: RoleDefinition
            if let roleName {
                guard let other = index[roleName] else {
                    addUnknownRole(roleName, at: requirement.place, to: &faults)
                    continue
                }
                target = roles[other]
            } else {
                target = role
            }
            guard let id else { continue }
            let known = target.resources.compactMap(\.id)
            if !known.contains(id) {
                faults.add(
                    Diagnostic(
                        "unknown-resource",
                        "the role \(target.name) has no resource with the id "
                            + "\"\(id)\"", at: requirement.place,
                        hint: NearestName.hint(for: id, in: known)
                            ?? "use an id of this role, ROLE/ID, or KIND NAME: \"package NAME\""))
            }
        }
    }

    // MARK: Names

    /// Reports names that no expression or template may read.
    private func checkNames(of role: RoleDefinition, faults: inout DiagnosticBag) {
        var uses: [NameUse] = []
        for parameter in role.parameters { uses += parameter.defaultSource?.uses ?? [] }
        for resource in role.resources { uses += resource.uses }
        for handler in role.handlers {
            uses += handler.name.uses + (handler.arguments?.uses ?? [])
        }
        for name in role.templates.templates.keys.sorted() {
            uses += role.templates.templates[name]?.uses ?? []
        }
        for use in uses { faults.add(contentsOf: RefusedNames.faults(of: use)) }
    }

    // MARK: Cycles

    /// Reports roles that require each other in a cycle, once for each cycle.
    private func checkCycles(faults: inout DiagnosticBag) {
        var done: Set<Int> = []
        var path: [(role: Int, place: Place)] = []
        func visit(_ role: Int, _ place: Place) {
            if let start = path.firstIndex(where: { $0.role == role }) {
                let steps = path[start...]
                let names = steps.map { roles[$0.role].name } + [roles[role].name]
                faults.add(
                    Diagnostic(
                        "role-cycle", "roles require each other: \(names.joined(separator: " → "))",
                        at: place, hint: "remove one of these requires",
                        related: steps.dropFirst().map {
                            Diagnostic.Related($0.place, "required here")
                        }))
                return
            }
            guard !done.contains(role) else { return }
            path.append((role, place))
            for (name, place) in roles[role].requires {
                if let required = index[name] { visit(required, place) }
            }
            path.removeLast()
            done.insert(role)
        }
        for role in roles.indices { visit(role, roles[role].place) }
    }
}
