import FleetModel
import Kinds
import Linux
import Wire

extension Restoration {
    /// Puts back a package's version, nil where it was not installed, and whether it was held.
    ///
    /// It uses the same transactions as a declaration: a repository must have the version.
    static func package(
        _ name: String, version: String?, isHeld: Bool, on host: Host
    ) -> Restoration {
        Restoration("the package \(name)") { () throws(AgentFault) in
            let entry = try PackageDatabase(of: [name], on: host.machine).entry(name)
            guard let version else { return entry?.isInstalled != true }
            return entry?.isInstalled == true && entry?.version == version
                && entry?.isHeld == isHeld
        } putBack: { () throws(AgentFault) in
            try putBack(name, version, isHeld, on: host)
        }
    }

    private static func putBack(
        _ name: String, _ version: String?, _ isHeld: Bool, on host: Host
    ) throws(AgentFault) {
        let attempted = "put back the package \(name)"
        let canHold = try PackageDatabase(of: [name], on: host.machine).canHold
        var attributes: [String: JSON] = ["state": "absent"]
        if let version {
            attributes = ["version": .string(version), "allow_downgrade": true]
        }
        if canHold { attributes["hold"] = .bool(version != nil && isHeld) }
        let declaration: PackageDeclaration
        do {
            declaration = try PackageDeclaration(name: name, attributes: attributes)
        } catch {
            throw AgentFault("not-put-back", attempted, cause: error.message)
        }
        let found = try PackageBehaviour.observe([declaration], on: host)[0].get()
        switch PackageBehaviour.diff(declaration, found) {
        case .changes(let changes):
            try PackageBehaviour.apply(declaration, found, changes: changes, on: host)
        case .blocked(let fault): throw fault
        case .asDeclared, .pending: break
        case .notApplicable(let reason), .unknown(let reason):
            throw AgentFault("not-put-back", attempted, cause: reason)
        }
    }
}
