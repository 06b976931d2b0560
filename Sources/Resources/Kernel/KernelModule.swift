import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `kernel_module`.
package enum KernelModuleBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var isContainer: Bool
        var isLoaded: Bool
        var isBuiltIn: Bool
        /// Whether the module exists for the running kernel, loaded or not.
        var exists: Bool
        /// The parameters that /sys shows, with their values and whether they can be written.
        var parameters: [String: (text: String, isWritable: Bool)]
        /// The options that modprobe would use, each with the file and line that set it.
        var persisted: [String: (text: String, source: String)]
        var optionsText: String?
        var loadText: String?
        /// The initramfs of the running kernel, if it is older than the options file; else nil.
        var staleInitramfs: String?
        /// The modules that use this one, and its total reference count.
        var holders: [String]
        var references: Int
    }

    package static func observe(
        _ declarations: [KernelModuleDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        do throws(AgentFault) {
            let machine = host.machine
            let release = (try machine.readText("/proc/sys/kernel/osrelease") ?? "")
                .trimmingSpaces()
            let folder = "/lib/modules/\(release)"
            let dependencies = names(
                in: try machine.readText("\(folder)/modules.dep", limit: 32 << 20) ?? "")
            let builtIn = names(
                in: try machine.readText("\(folder)/modules.builtin", limit: 32 << 20) ?? "")
            let isContainer = try machine.readText("/run/systemd/container") != nil
            let options = try ModprobeOptions(on: machine)
            return observeEach(declarations) { (declaration) throws(AgentFault) in
                var observation = try observe(
                    declaration, dependencies, builtIn, options, isContainer, on: machine)
                if declaration.isInInitramfs, !isContainer {
                    observation.staleInitramfs = try staleInitramfs(
                        declaration, release, on: machine)
                }
                return observation
            }
        } catch {
            return declarations.map { _ in .failure(error) }
        }
    }

    /// The modules in modules.dep or modules.builtin: `kernel/net/foo-bar.ko.xz: …` is foo_bar.
    private static func names(in text: String) -> Set<String> {
        var all: Set<String> = []
        for line in text.filledLines {
            let path = line.prefix { $0 != ":" }
            let file = path.split(separator: "/").last ?? ""
            all.insert(String(file.prefix { $0 != "." }.map { $0 == "-" ? "_" : $0 }))
        }
        return all
    }

    private static func observe(
        _ declaration: KernelModuleDeclaration, _ dependencies: Set<String>, _ builtIn: Set<String>,
        _ options: ModprobeOptions, _ isContainer: Bool, on machine: any Machine
    ) throws(AgentFault) -> Observation {
        let folder = "/sys/module/\(declaration.name)"
        let state = try machine.readText("\(folder)/initstate")
        let isBuiltIn = builtIn.contains(declaration.name)
        var parameters: [String: (text: String, isWritable: Bool)] = [:]
        for key in declaration.options.keys.sorted() {
            let path = "\(folder)/parameters/\(key)"
            let status = try attempt("look at \(path)") { () throws(SystemError) in
                try machine.statusIfPresent(path)
            }
            guard let status, status.mode & 0o400 != 0 else { continue }
            parameters[key] = (
                (try machine.readText(path) ?? "").trimmingSpaces(), status.mode & 0o200 != 0
            )
        }
        let holders = try attempt("list \(folder)/holders") { () throws(SystemError) in
            try machine.listIfPresent("\(folder)/holders")
        }
        return Observation(
            isContainer: isContainer, isLoaded: state != nil || isBuiltIn, isBuiltIn: isBuiltIn,
            exists: state != nil || isBuiltIn || dependencies.contains(declaration.name),
            parameters: parameters, persisted: options.of(declaration.name),
            optionsText: try machine.readText(declaration.optionsFile),
            loadText: try machine.readText(declaration.loadFile), holders: holders,
            references: Int((try machine.readText("\(folder)/refcnt") ?? "").trimmingSpaces()) ?? 0
        )
    }

    /// The initramfs of the running kernel, if the options file is newer; else nil.
    ///
    /// Looks for Debian's and Red Hat's names. A machine without either file has no initramfs.
    private static func staleInitramfs(
        _ declaration: KernelModuleDeclaration, _ release: String, on machine: any Machine
    ) throws(AgentFault) -> String? {
        try attempt("check the age of the initramfs") { () throws(SystemError) in
            guard let options = try machine.statusIfPresent(declaration.optionsFile) else {
                return nil
            }
            for path in ["/boot/initrd.img-\(release)", "/boot/initramfs-\(release).img"] {
                guard let image = try machine.statusIfPresent(path, followLinks: true) else {
                    continue
                }
                return image.modifiedNanoseconds < options.modifiedNanoseconds ? path : nil
            }
            return nil
        }
    }

    private static func optionsText(_ declaration: KernelModuleDeclaration) -> String? {
        var lines: [String] = []
        if !declaration.options.isEmpty {
            let options = declaration.options.sorted { $0.key < $1.key }
                .map { "\($0.key)=\($0.value)" }
            lines.append("options \(declaration.name) \(options.joined(separator: " "))")
        }
        if declaration.isBlacklisted {
            lines += ["blacklist \(declaration.name)", "install \(declaration.name) /bin/false"]
        }
        if lines.isEmpty { return nil }
        return "# Declared to muster; muster-agent puts this file back.\n"
            + lines.map { $0 + "\n" }.joined()
    }

    private static func loadText(_ declaration: KernelModuleDeclaration) -> String? {
        declaration.isLoaded
            ? "# Declared to muster; muster-agent puts this file back.\n\(declaration.name)\n" : nil
    }

    package static func diff(
        _ declaration: KernelModuleDeclaration, _ observation: Observation
    ) -> Difference {
        if observation.isContainer {
            return .notApplicable("in a container, modules belong to the host outside")
        }
        if declaration.isLoaded, !observation.exists {
            return .blocked(
                AgentFault(
                    "no-module", "load \(declaration.name)",
                    cause: "the running kernel has no such module",
                    hint: "install the module for this kernel, or boot a kernel that has it"))
        }
        var changes = runningChanges(declaration, observation)
        if observation.loadText != loadText(declaration) {
            changes.append(
                Change(
                    "at_boot", before: .bool(observation.loadText != nil),
                    after: .bool(declaration.isLoaded)))
        }
        if let image = observation.staleInitramfs {
            changes.append(
                Change(
                    "initramfs", before: .string("\(image) is older than the options"),
                    after: "regenerated"))
        }
        for (key, wanted) in declaration.options.sorted(by: { $0.key < $1.key }) {
            let found = observation.persisted[key]
            if found?.text != wanted {
                changes.append(
                    Change(
                        "options.\(key)", before: .optional(found?.text), after: .string(wanted),
                        source: found?.source))
            }
        }
        let isListed = changes.contains { $0.layer == .persisted && $0.attribute != "at_boot" }
        if observation.optionsText != optionsText(declaration), !isListed {
            changes.append(
                Change(
                    declaration.isBlacklisted ? "blacklist" : "options",
                    before: observation.optionsText == nil ? nil : "other",
                    after: declaration.isBlacklisted ? true : "as declared"))
        }
        if !changes.isEmpty { return .changes(changes) }
        guard declaration.isLoaded else { return .asDeclared("not loaded, not loaded at boot") }
        let silent = declaration.options.keys.filter { observation.parameters[$0] == nil }.sorted()
        return .asDeclared(
            (observation.isBuiltIn ? "built into the kernel" : "loaded, also at boot")
                + (silent.isEmpty
                    ? "" : "; the kernel does not show \(silent.joined(separator: ", "))"))
    }

    private static func runningChanges(
        _ declaration: KernelModuleDeclaration, _ observation: Observation
    ) -> [Change] {
        guard declaration.isLoaded else {
            guard observation.isLoaded, !observation.isBuiltIn else { return [] }
            return [
                Change(
                    "state", layer: .running, before: "loaded", after: "absent",
                    disruption: .moduleReload)
            ]
        }
        guard observation.isLoaded else {
            return [Change("state", layer: .running, before: "absent", after: "loaded")]
        }
        var changes: [Change] = []
        for (key, wanted) in declaration.options.sorted(by: { $0.key < $1.key }) {
            guard let found = observation.parameters[key], !same(found.text, wanted) else {
                continue
            }
            changes.append(
                Change(
                    "options.\(key)", layer: .running, before: .string(found.text),
                    after: .string(wanted),
                    disruption: found.isWritable
                        ? .none : observation.isBuiltIn ? .reboot : .moduleReload))
        }
        return changes
    }

    /// Whether two values are equal.
    ///
    /// Booleans read as Y or N, but may be written in several ways (kernel/params.c).
    static func same(_ found: String, _ wanted: String) -> Bool {
        if found == wanted { return true }
        if found == "Y" { return ["1", "y", "Y", "on"].contains(wanted) }
        if found == "N" { return ["0", "n", "N", "off"].contains(wanted) }
        if let one = Int(found), let two = number(wanted) { return one == two }
        return false
    }

    private static func number(_ text: String) -> Int? {
        text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
    }

    package static func beforeImages(
        _ declaration: KernelModuleDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images: [BeforeImage] = []
        // A built-in module can be neither loaded nor unloaded.
        if !observation.isBuiltIn {
            images.append(.module(name: declaration.name, isLoaded: observation.isLoaded))
        }
        for path in [declaration.optionsFile, declaration.loadFile] {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            images.append(try found.fullImage(path, on: host))
        }
        // The values of read-only parameters show whether the module must be loaded again.
        for (key, found) in observation.parameters.sorted(by: { $0.key < $1.key }) {
            images.append(
                .kernelFile(
                    path: "/sys/module/\(declaration.name)/parameters/\(key)", value: found.text))
        }
        if declaration.isInInitramfs { images.append(.derived("initramfs")) }
        return images
    }

    package static func apply(
        _ declaration: KernelModuleDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        let running = changes.filter { $0.layer == .running && !$0.isMadeByReboot }
        let needsUnload = running.contains { $0.disruption == .moduleReload }
        if needsUnload { try checkUnused(declaration, observation) }
        try undoing { (undo) throws(AgentFault) in
            // This step is undone last, after the files that modprobe reads are restored.
            if needsUnload || running.contains(where: { $0.attribute == "state" }) {
                undo.add(module(declaration, observation, on: machine))
            }
            // If the running kernel refuses the options, the next boot must not use them.
            undo.add(try .path(declaration.optionsFile, on: machine))
            try NewFile.keep(declaration.optionsFile, optionsText(declaration), on: machine)
            try makeSo(declaration, observation, running, needsUnload, &undo, on: machine)
        }
        try NewFile.keep(declaration.loadFile, loadText(declaration), on: machine)
        try checkOptions(declaration, on: machine)
        let isNew = observation.optionsText != optionsText(declaration)
        if declaration.isInInitramfs, isNew || observation.staleInitramfs != nil {
            try host.share(SharedWait(.initramfs))
        }
    }

    /// Throws if modprobe would use other options, because a later file sets them.
    private static func checkOptions(
        _ declaration: KernelModuleDeclaration, on machine: any Machine
    ) throws(AgentFault) {
        let persisted =
            declaration.options.isEmpty
            ? [:] : try ModprobeOptions(on: machine).of(declaration.name)
        for (key, wanted) in declaration.options.sorted(by: { $0.key < $1.key }) {
            let found = persisted[key]
            guard found?.text == wanted else {
                throw AgentFault(
                    "overridden", "set \(key) of \(declaration.name) to \(wanted)",
                    cause:
                        "\(found?.source ?? "a file"), read after \(declaration.optionsFile), sets it "
                        + "to \(found?.text ?? "nothing")",
                    hint: "remove the option from that file")
            }
        }
    }

    /// Restores the module as it was found, with the parameters that are set only by loading.
    private static func module(
        _ declaration: KernelModuleDeclaration, _ observation: Observation, on machine: any Machine
    ) -> Restoration {
        .module(
            declaration.name, isLoaded: observation.isLoaded,
            parameters: observation.parameters.filter { !$0.value.isWritable }.mapValues(\.text),
            on: machine)
    }

    private static func makeSo(
        _ declaration: KernelModuleDeclaration, _ observation: Observation, _ running: [Change],
        _ needsUnload: Bool, _ undo: inout Undo, on machine: any Machine
    ) throws(AgentFault) {
        if needsUnload { try Modprobe.run(["-r", declaration.name], on: machine) }
        let isToLoad =
            declaration.isLoaded
            && (needsUnload || running.contains { $0.attribute == "state" })
        if isToLoad { try Modprobe.run([declaration.name], on: machine) }
        for change in running where change.disruption == .none && change.attribute != "state" {
            let key = change.attribute.dropFirst("options.".count)
            let path = "/sys/module/\(declaration.name)/parameters/\(key)"
            undo.add(.kernelFile(path, change.before?.string ?? "", on: machine))
            try attempt("set \(path)") { () throws(SystemError) in
                try machine.writeInPlace(path, Array(((change.after?.string ?? "") + "\n").utf8))
            }
        }
    }

    private static func checkUnused(
        _ declaration: KernelModuleDeclaration, _ observation: Observation
    ) throws(AgentFault) {
        guard !observation.holders.isEmpty || observation.references > 0 else { return }
        let users =
            observation.holders.isEmpty
            ? "\(observation.references) references"
            : "the modules \(observation.holders.joined(separator: ", "))"
        throw AgentFault(
            "in-use", "unload \(declaration.name)", cause: "it is used by \(users)",
            hint: "stop its users, or reboot")
    }
}
