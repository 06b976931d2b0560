import Diagnostics

/// A role, read from its folder once for all hosts.
package struct RoleDefinition: Sendable {
    package var name: String
    /// The place where its role.yaml begins.
    package var place: Place
    package var summary: String
    package var parameters: [ParameterDefinition]
    /// The roles that it requires, which come first.
    package var requires: [(name: String, place: Place)]
    package var resources: [ResourceDefinition]
    package var handlers: [HandlerDefinition]
    /// The templates in its `templates` folder.
    var templates: TemplateFolder

    /// The parameter of that name; nil if the role has none.
    package func parameter(_ name: String) -> ParameterDefinition? {
        parameters.first { $0.name == name }
    }

    /// The folder of the files for `source`.
    var filesFolder: String { "Roles/\(name)/files" }
}
