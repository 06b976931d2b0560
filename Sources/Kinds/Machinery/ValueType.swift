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
    /// CPUs in the kernel's list syntax: `0-3,8`. Normal form: ascending, merged ranges.
    case cpuList
    /// `64MiB`, `1G`, `512`: bytes. Normal form: an integer.
    case size
    /// `250ns`, `250ms`, `30s`, `5m`, `2h`, `1d`. Normal form: seconds, an integer or number.
    case duration
    /// An absolute path. Normal form: without `//`, `/./`, and a slash at the end.
    case path
    /// Permission bits as a quoted octal string. Normal form: four digits, `0644`.
    case mode
    /// A version; always text, so that 1.10 stays 1.10.
    case version
    /// A value that is never shown. Normal form: `{"secret": DIGEST}`.
    case secret
    /// Anything JSON can say.
    case any
}

/// Why a text or a value is not of a type.
package struct ValueFault: Error, Sendable, Equatable {
    package let message: String
    package let hint: String?

    package init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
