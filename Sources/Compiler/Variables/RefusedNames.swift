import Diagnostics
import Templates

/// Names that no template can read: of Ansible's, with what to write in their place, and of facts
/// that there are not.
enum RefusedNames {
    /// The faults of a use; none for every other name.
    static func faults(of use: NameUse) -> [Diagnostic] {
        guard let name = use.path.first else { return [] }
        if name == "hostvars" {
            return [
                Diagnostic(
                    "refused-name", "hostvars cannot be read", at: use.place,
                    cause: "a host's plan rests on its own variables, so that it does not change "
                        + "when another host does",
                    hint: "put what several hosts share into a group's variables")
            ]
        }
        if name == "ansible_facts" {
            return [
                Diagnostic(
                    "refused-name", "ansible_facts cannot be read", at: use.place,
                    hint: "muster's facts are under \"facts\": `muster facts HOST` prints them")
            ]
        }
        return FactSections.faults(of: use)
    }
}
