import CommandLineKit
import Diagnostics
import Fleet
import Linux

extension CommandContext {
    /// The options of this call that concern the fleet directory.
    func sessionOptions() throws(Diagnostic) -> FleetSessionOptions {
        var options = FleetSessionOptions(
            directory: try fleetDirectory(), programFolder: programFolder)
        options.inventorySources = invocation.values("inventory")
        options.settings = invocation.values("set")
        options.tags = invocation.values("tags").flatMap {
            $0.split(separator: ",").map { String($0.drop { $0 == " " }) }
        }
        options.width = invocation.integer("forks")
        options.deadlineSeconds = invocation.integer("timeout")
        return options
    }

    /// Reads the fleet directory and shows its warnings.
    func session(acceptsNewKeys: Bool = false, compiles: Bool = true) throws -> FleetSession {
        let session = try FleetSession(
            try sessionOptions(), acceptsNewKeys: acceptsNewKeys, compiles: compiles)
        output.diagnostics(session.warnings, format: format)
        return session
    }

    /// The hosts of this call.
    func hosts(of session: FleetSession) throws(Faults) -> [String] {
        let limit = invocation.value("limit").map { [$0] } ?? []
        return try session.hosts(patterns: invocation.arguments, limit: limit)
    }
}
