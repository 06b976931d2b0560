import Diagnostics
import Linux
import YAML

/// How an inventory is loaded.
package struct InventoryOptions: Sendable {
    /// Seconds until an inventory executable is killed.
    package var scriptTimeoutSeconds = 60.0
    /// The environment of inventory executables, `NAME=value`.
    package var environment = ProgramCall.plainEnvironment
    /// Further directories with group_vars and host_vars, lowest precedence first; the sources' own
    /// directories have higher precedence.
    package var extraVariableDirectories: [String] = []

    package init() {}
}

/// An inventory and the warnings about it.
package struct LoadedInventory: Sendable {
    package let inventory: InventorySet
    /// Warnings, which `validate --strict` treats as errors.
    package let warnings: [Diagnostic]
}

extension InventorySet {
    /// Loads sources in their order: files, executables, folders of both, or `host1,host2,`.
    ///
    /// Variables of later sources win over those of earlier ones. Throws all faults of all files.
    package static func load(
        sources: [String], machine: any Machine, options: InventoryOptions = InventoryOptions()
    ) throws(Faults) -> LoadedInventory {
        let files = InventoryFiles(
            machine: machine, workingDirectory: InventoryFiles.currentDirectory())
        var reader = SourceReader(files: files, options: options)
        for source in sources { reader.read(source) }
        reader.builder.reconcile()
        var bag = reader.builder.bag
        let directories = options.extraVariableDirectories + reader.variableDirectories
        let assembly = InventoryAssembly(
            reader.builder, directories: Self.lastOfEach(directories, files), files: files, &bag)
        let inventory = assembly.inventory
        for warning in inventory.levelConflicts { bag.add(warning) }
        try bag.throwIfErrors()
        return LoadedInventory(inventory: inventory, warnings: bag.all)
    }

    /// If a directory is named twice, its last position counts: reading it again changes nothing.
    private static func lastOfEach(_ directories: [String], _ files: InventoryFiles) -> [String] {
        var seen: Set<String> = []
        return directories.reversed().filter { seen.insert(files.absolute($0)).inserted }.reversed()
    }
}

/// The inventory of a fleet directory.
package enum FleetInventory {
    /// The sources in `Inventory/`: `hosts`, `hosts.yaml`, an executable `hosts…`, a folder `hosts/`.
    package static func sources(
        fleetDirectory: String, machine: any Machine
    ) throws(Faults) -> [String] {
        let files = InventoryFiles(
            machine: machine, workingDirectory: InventoryFiles.currentDirectory())
        let folder = PathName.join(fleetDirectory, "Inventory")
        var bag = DiagnosticBag()
        let names = files.list(folder, &bag).filter { name in
            (name == "hosts" || name.hasPrefix("hosts.") || isExecutable(name, folder, files))
                && name.hasPrefix("hosts") && !SourceReader.isIgnored(name)
        }
        try bag.throwIfErrors()
        if names.isEmpty {
            throw Faults(
                Diagnostic(
                    "no-inventory", "no inventory in \(folder)",
                    cause: "none of hosts.yaml, hosts.ini, hosts.json, hosts or hosts/ is there",
                    hint: "write \(folder)/hosts.yaml, or name another inventory with -i"))
        }
        return names.map { PathName.join(folder, $0) }
    }

    private static func isExecutable(
        _ name: String, _ folder: String, _ files: InventoryFiles
    ) -> Bool {
        guard let status = files.status(PathName.join(folder, name)) else { return false }
        return status.type == .file && status.mode & 0o111 != 0
    }

    /// Loads the inventory of a fleet directory, or the sources given with `-i`.
    ///
    /// `Inventory/group_vars` and `Inventory/host_vars` also apply to the fleet's own sources if
    /// these are a folder.
    package static func load(
        fleetDirectory: String, sources: [String], machine: any Machine,
        options: InventoryOptions = InventoryOptions()
    ) throws(Faults) -> LoadedInventory {
        if !sources.isEmpty {
            return try InventorySet.load(sources: sources, machine: machine, options: options)
        }
        var options = options
        options.extraVariableDirectories.append(PathName.join(fleetDirectory, "Inventory"))
        let own = try self.sources(fleetDirectory: fleetDirectory, machine: machine)
        return try InventorySet.load(sources: own, machine: machine, options: options)
    }
}
