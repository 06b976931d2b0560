import Diagnostics
import Linux

/// The directory that describes a fleet, and the paths in it.
package struct FleetDirectory: Sendable, Equatable {
    /// The path as given or found, without a slash at the end.
    package let path: String

    package init(path: String) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    package var inventory: String { PathName.join(path, "Inventory") }
    package var roles: String { PathName.join(path, "Roles") }
    package var site: String { PathName.join(inventory, "site.yaml") }
    package var settings: String { PathName.join(inventory, "settings.yaml") }

    /// The directory named by `--fleet`, or the nearest parent with `Inventory/` and `Roles/`.
    package static func find(
        explicit: String?, workingDirectory: String, on machine: any Machine
    ) throws(Diagnostic) -> FleetDirectory {
        if let explicit {
            let path = PathName.join(workingDirectory, explicit)
            if let missing = missingFolder(of: path, on: machine) {
                throw Diagnostic(
                    "no-fleet", "\(explicit) is not a fleet directory: it has no \(missing)/",
                    hint: "muster init \(explicit) makes one")
            }
            return FleetDirectory(path: explicit)
        }
        var path = workingDirectory
        while true {
            if missingFolder(of: path, on: machine) == nil { return FleetDirectory(path: path) }
            if path == "/" { break }
            path = PathName.parent(of: path)
        }
        throw Diagnostic(
            "no-fleet",
            "neither \(workingDirectory) nor a folder above it has Inventory/ and Roles/",
            hint: "go to a fleet directory, name one with --fleet, or make one with muster init")
    }

    private static func missingFolder(of path: String, on machine: any Machine) -> String? {
        ["Inventory", "Roles"].first { name in
            let status = try? machine.status(PathName.join(path, name), followLinks: true)
            return status?.type != .directory
        }
    }
}
