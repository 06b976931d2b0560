/// How much of a document is read before it is refused.
package struct YAMLLimits: Sendable {
    /// Bytes of text.
    package var bytes = 64 << 20
    /// Lists and maps inside each other.
    package var depth = 100
    /// Nodes that aliases and merge keys may add to those written.
    package var aliasedNodes = 1_000_000
    /// Faults of one document after which reading ends.
    package var faults = 50

    package init() {}
}
