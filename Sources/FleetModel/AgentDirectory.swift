/// Where the agent keeps its state on a host.
package enum AgentDirectory {
    /// The path where settings name no other with `agent_dir`.
    package static let standard = "/var/lib/muster"
}
