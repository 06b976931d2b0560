import Values

/// A scalar as it was written, with its YAML 1.1 reading beside the text.
///
/// A schema takes the text (`on` for a string is `on`, `1.10` for a version is `1.10`); untyped
/// variables take the reading, as Ansible does.
package struct Scalar: Sendable, Equatable {
    /// How it was written.
    package enum Style: Sendable {
        case plain, singleQuoted, doubleQuoted, literal, folded
    }

    /// The text without quotes, escapes and folding undone.
    package let text: String
    package let style: Style
    /// What PyYAML's safe loader makes of it; dates are strings in ISO 8601.
    ///
    /// Values of INI inventories have the reading of Python instead, which can be a list or map.
    package let reading: Value

    package init(text: String, style: Style, reading: Value) {
        self.text = text
        self.style = style
        self.reading = reading
    }

    /// Whether it was written without quotes and not as a block.
    package var isPlain: Bool { style == .plain }
}
