import Diagnostics

extension YAMLReader {
    /// Reads a file of variables or an inventory: JSON where the whole text is JSON, else YAML.
    ///
    /// As Ansible does: JSON's own rules for numbers hold in a text that is JSON.
    package static func parseVariables(_ source: SourceText) throws(Faults) -> Node? {
        try parse(source)
    }
}
