import Diagnostics

/// A role as its folder declares it, read once for all hosts.
package struct RoleDefinition: Sendable {
    package var name: String
    /// Where its role.yaml begins.
    package var place: Place
    package var summary: String
    package var parameters: [ParameterDefinition]
    /// The roles that come first.
    package var requires: [(name: String, place: Place)]
    package var resources: [ResourceDefinition]
    package var handlers: [HandlerDefinition]
    /// What is in its `templates` folder.
    var templates: TemplateFolder

    /// The parameter of that name, nil where the role has none.
    package func parameter(_ name: String) -> ParameterDefinition? {
        parameters.first { $0.name == name }
    }

    /// The folder of the files that `source` names.
    var filesFolder: String { "Roles/\(name)/files" }
}
