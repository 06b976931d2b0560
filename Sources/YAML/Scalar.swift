import Values

/// A scalar as it was written, together with its YAML 1.1 reading.
///
/// A schema uses the text (`on` for a string is `on`, `1.10` for a version is `1.10`); untyped
/// variables use the reading, as in Ansible.
package struct Scalar: Sendable, Equatable {
    /// How it was written.
    package enum Style: Sendable {
        case plain, singleQuoted, doubleQuoted, literal, folded
    }

    /// The text after removing quotes and resolving escapes and folding.
    package let text: String
    package let style: Style
    /// The value that PyYAML's safe loader reads; dates are strings in ISO 8601.
    ///
    /// For values of INI inventories it is the reading of a Python literal, which can be a list or
    /// map.
    package let reading: Value

    package init(text: String, style: Style, reading: Value) {
        self.text = text
        self.style = style
        self.reading = reading
    }

    /// Whether it was written without quotes and not as a block.
    package var isPlain: Bool { style == .plain }
}
