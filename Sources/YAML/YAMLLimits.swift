/// The limits beyond which a document is refused.
package struct YAMLLimits: Sendable {
    /// Bytes of text.
    package var bytes = 64 << 20
    /// The nesting depth of lists and maps.
    package var depth = 100
    /// The number of nodes that aliases and merge keys may add.
    package var aliasedNodes = 1_000_000
    /// The number of faults after which reading a document ends.
    package var faults = 50

    package init() {}
}
