/// The version both programs carry.
package enum Version {
    /// As `--version` prints it and the hello says it.
    package static let current = "0.1.0"
}
