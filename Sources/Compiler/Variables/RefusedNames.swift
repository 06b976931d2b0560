import Diagnostics
import Templates

/// Names that no template may read: some of Ansible's names, and unknown facts.
enum RefusedNames {
    /// The faults of a use; empty for an allowed name.
    static func faults(of use: NameUse) -> [Diagnostic] {
        guard let name = use.path.first else { return [] }
        if name == "hostvars" {
            return [
                Diagnostic(
                    "refused-name", "hostvars cannot be read", at: use.place,
                    cause: "the plan of a host depends only on its own variables, so that a"
                        + " change of "
                        + "another host does not affect it",
                    hint: "put values that several hosts share into the variables of a group")
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
