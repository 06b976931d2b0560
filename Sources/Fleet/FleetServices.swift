import Diagnostics
import FleetModel
import Store
import Transport

/// Everything a use case needs to reach hosts, made once per call of the program.
package struct FleetServices: Sendable {
    package let store: any RunStore
    /// Where what the store does not take is kept.
    package let folder: StoreFolder
    package let client: SSHClient
    package let agents: AgentLibrary
    package let agentDirectory: String
    package let planner: any HostPlanner
    package let control: RunControl
    /// Hosts at once.
    package let width: Int
    private let routes: @Sendable (String) throws(Faults) -> HostRoute

    package init(
        store: any RunStore, folder: StoreFolder, client: SSHClient, agents: AgentLibrary,
        agentDirectory: String,
        planner: any HostPlanner, control: RunControl, width: Int,
        routes: @escaping @Sendable (String) throws(Faults) -> HostRoute
    ) {
        self.store = store
        self.folder = folder
        self.client = client
        self.agents = agents
        self.agentDirectory = agentDirectory
        self.planner = planner
        self.control = control
        self.width = width
        self.routes = routes
    }

    /// The way to a host, from inventory, settings and ssh_config.
    package func route(to host: String) -> Result<HostRoute, Faults> {
        do throws(Faults) {
            return .success(try routes(host))
        } catch {
            return .failure(error)
        }
    }
}
