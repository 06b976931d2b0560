import Wire

/// The type of an attribute or a role parameter.
package indirect enum ValueType: Sendable, Equatable {
    case string
    case integer(minimum: Int? = nil, maximum: Int? = nil)
    case number
    case boolean
    case list(ValueType)
    case map(ValueType)
    case oneOf([String])
    /// CPUs in the kernel's list format: `0-3,8`. Normal form: ascending, ranges merged.
    case cpuList
    /// Bytes: `64MiB`, `1G`, `512`. Normal form: an integer.
    case size
    /// A duration: `250ns`, `30s`, `5m`, `2h`, `1d`. Normal form: seconds as an integer or number.
    case duration
    /// An absolute path. Normal form: without `//`, `/./` and a final slash.
    case path
    /// Permission bits as a quoted octal string. Normal form: four digits, `0644`.
    case mode
    /// A version, always as text, so that 1.10 stays 1.10.
    case version
    /// A value that is never shown. Normal form: `{"secret": DIGEST}`.
    case secret
    /// Any JSON value.
    case any
}

/// The reason why a text or value does not have a type.
package struct ValueFault: Error, Sendable, Equatable {
    package let message: String
    package let hint: String?

    package init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
