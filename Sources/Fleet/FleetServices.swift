import Diagnostics
import FleetModel
import Store
import Transport

/// Everything a use case needs to reach hosts, made once per invocation.
package struct FleetServices: Sendable {
    package let store: any RunStore
    /// The folder for results that the store does not accept.
    package let folder: StoreFolder
    package let client: SSHClient
    package let agents: AgentLibrary
    package let agentDirectory: String
    package let planner: any HostPlanner
    package let control: RunControl
    /// How many hosts are worked on at once.
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

    /// The route to a host, from inventory, settings and ssh_config.
    package func route(to host: String) -> Result<HostRoute, Faults> {
        do throws(Faults) {
            return .success(try routes(host))
        } catch {
            return .failure(error)
        }
    }
}
