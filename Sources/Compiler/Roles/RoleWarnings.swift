import Diagnostics
import Templates

/// Warnings about roles: valid declarations that are probably mistakes.
struct RoleWarnings {
    let roles: [RoleDefinition]
    /// The indices of roles that at least one host carries.
    let carried: Set<Int>
    /// The names of variables that at least one host has.
    let variables: Set<String>

    func run(bag: inout DiagnosticBag) {
        let notified = Set(roles.flatMap(\.resources).flatMap(\.notify).map(\.handler))
        for (index, role) in roles.enumerated() {
            for handler in role.handlers
            where !notified.contains(HandlerReference(role: role.name, id: handler.id)) {
                bag.add(
                    Diagnostic(
                        .warning, "unused-handler",
                        "no resource notifies the handler \(role.name)/\(handler.id)",
                        at: handler.place))
            }
            let uses = role.uses
            warnOfParameters(role, uses, bag: &bag)
            if carried.contains(index) { warnOfVariables(role, uses, bag: &bag) }
        }
    }

    private func warnOfParameters(
        _ role: RoleDefinition, _ uses: [NameUse], bag: inout DiagnosticBag
    ) {
        let read = Set(uses.compactMap(\.path.first))
        for parameter in role.parameters where !read.contains(parameter.name) {
            bag.add(
                Diagnostic(
                    .warning, "unused-parameter",
                    "nothing in the role \(role.name) reads its parameter \"\(parameter.name)\"",
                    at: parameter.place))
        }
        for use in uses where use.mayBeUndefined && use.path.count == 1 {
            guard let name = use.path.first, let parameter = role.parameter(name) else { continue }
            bag.add(
                Diagnostic(
                    .warning, "always-defined",
                    "\"\(name)\" is a parameter of the role and always defined", at: use.place,
                    hint: parameter.isOptional
                        ? "without a value it is null: write \"\(name) is not none\", or "
                            + "\"\(name) | default(…, true)\""
                        : "put its default into role.yaml"))
        }
    }

    /// Warns of names that nothing defines.
    ///
    /// Names that the role itself tests for being defined are left out, and so are names in
    /// templates that others include, because the including template may set them.
    private func warnOfVariables(
        _ role: RoleDefinition, _ uses: [NameUse], bag: inout DiagnosticBag
    ) {
        let guarded = Set(uses.filter(\.mayBeUndefined).compactMap(\.path.first))
        var told: Set<String> = []
        let known =
            Set(role.parameters.map(\.name)).union(variables).union(HostScope.builtIns)
        for use in uses {
            guard let name = use.path.first, !known.contains(name), !guarded.contains(name),
                RefusedNames.faults(of: use).isEmpty, told.insert(name).inserted
            else { continue }
            bag.add(
                Diagnostic(
                    .warning, "unknown-variable", "no host has a variable \"\(name)\"",
                    at: use.place, hint: NearestName.hint(for: name, in: known.sorted())))
        }
    }
}

extension RoleDefinition {
    /// All names that its expressions and templates read but do not define themselves.
    var uses: [NameUse] {
        var uses: [NameUse] = []
        for parameter in parameters { uses += parameter.defaultSource?.uses ?? [] }
        for resource in resources { uses += resource.uses }
        for handler in handlers { uses += handler.name.uses + (handler.arguments?.uses ?? []) }
        let included = Set(templates.templates.values.flatMap { $0.includes.map(\.name) })
        let elements = Set(resources.compactMap { $0.forEach?.variable })
        for name in templates.templates.keys.sorted() where !included.contains(name) {
            // A template may be rendered for elements of a for_each, which define their own name.
            uses += (templates.templates[name]?.uses ?? []).filter {
                !elements.contains($0.path.first ?? "")
            }
        }
        for name in included.sorted() {
            let own = Set(parameters.map(\.name))
            uses += (templates.templates[name]?.uses ?? []).filter {
                own.contains($0.path.first ?? "")
            }
        }
        return uses
    }
}

extension ResourceDefinition {
    /// The names that its expressions and attributes read; template files are not included.
    var uses: [NameUse] {
        var uses = name.uses + (when?.uses ?? [])
        for attribute in attributes { uses += attribute.source.uses }
        for requirement in requires {
            if case .computed(let source) = requirement.content { uses += source.uses }
        }
        guard let forEach else { return uses }
        uses = uses.filter { $0.path.first != forEach.variable }
        switch forEach.values {
        case .expression(let expression): uses += expression.uses
        case .written(let source): uses += source.uses
        }
        return uses
    }
}
