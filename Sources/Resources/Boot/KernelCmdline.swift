import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `kernel_cmdline`.
package enum KernelCmdlineBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        /// The parameters of the running kernel.
        var running: [KernelParameter]
        /// What the boot loader has, or why there is no boot loader to read.
        var boot: Boot
    }

    enum Boot: Sendable {
        case known(
            loader: any BootLoader, lines: [BootLine], recorded: [KernelParameter]?,
            goneUntilReboot: [KernelParameter])
        case container
        case unknown(String)
    }

    package static func observe(
        _ declarations: [KernelCmdlineDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        do throws(AgentFault) {
            let running = try attempt("read /proc/cmdline") { () throws(SystemError) in
                try host.machine.read("/proc/cmdline", limit: 1 << 16)
            }
            let parameters = KernelParameter.split(String(decoding: running, as: UTF8.self))
            switch try BootLoaderFinding.find(on: host.machine) {
            case .container:
                return declarations.map { _ in
                    .success(Observation(running: parameters, boot: .container))
                }
            case .unknown(let reason):
                return declarations.map { _ in
                    .success(Observation(running: parameters, boot: .unknown(reason)))
                }
            case .loader(let loader):
                let lines = try loader.lines(on: host.machine)
                return declarations.map { declaration in
                    observe(declaration, loader, lines, parameters, on: host.machine)
                }
            }
        } catch {
            return declarations.map { _ in .failure(error) }
        }
    }

    private static func observe(
        _ declaration: KernelCmdlineDeclaration, _ loader: any BootLoader, _ lines: [BootLine],
        _ running: [KernelParameter], on machine: any Machine
    ) -> Result<Observation, AgentFault> {
        do throws(AgentFault) {
            let recorded = try loader.recorded(declaration.name, on: machine)
            let gone = try RemovedParameters.read(declaration.name, on: machine)
            return .success(
                Observation(
                    running: running,
                    boot: .known(
                        loader: loader, lines: lines, recorded: recorded, goneUntilReboot: gone)))
        } catch {
            return .failure(error)
        }
    }

    package static func diff(
        _ declaration: KernelCmdlineDeclaration, _ observation: Observation
    ) -> Difference {
        switch observation.boot {
        case .container:
            return .notApplicable("in a container, the kernel belongs to the host outside")
        case .unknown(let reason):
            return .blocked(
                AgentFault(
                    "no-boot-loader", "set kernel parameters",
                    cause: "the boot loader is not known: \(reason)",
                    hint: "supported are GRUB and Boot Loader Specification entries"))
        case .known(_, let lines, let recorded, let gone):
            return diff(declaration, observation.running, lines, recorded, gone)
        }
    }

    private static func diff(
        _ declaration: KernelCmdlineDeclaration, _ running: [KernelParameter], _ lines: [BootLine],
        _ recorded: [KernelParameter]?, _ gone: [KernelParameter]
    ) -> Difference {
        let former = former(declaration, recorded)
        var changes: [Change] = []
        if !declaration.isPresent, recorded != nil {
            changes.append(Change("state", before: "present", after: "absent"))
        }
        for line in lines {
            let found = KernelCmdlineCheck.differences(
                declaration, former: former, in: line.parameters)
            for difference in found
            where !changes.contains(where: { $0.attribute == difference.attribute }) {
                changes.append(
                    Change(
                        difference.attribute, before: .optional(difference.before),
                        after: .optional(difference.after),
                        source: difference.before == nil
                            ? line == lines[0] ? nil : line.what : line.source))
            }
        }
        let runningChanges = KernelCmdlineCheck.differences(
            declaration,
            former: former
                + gone.filter { !former.contains($0) && !declaration.parameters.contains($0) },
            in: running
        ).map {
            Change(
                $0.attribute, layer: .running, before: .optional($0.before),
                after: .optional($0.after), disruption: .reboot)
        }
        if !changes.isEmpty { return .changes(changes + runningChanges) }
        if !runningChanges.isEmpty {
            let names = runningChanges.map(\.attribute).joined(separator: ", ")
            return .pending(
                "the next boot has \(names) as declared, the running kernel does not yet",
                runningChanges)
        }
        guard declaration.isPresent else {
            return .asDeclared("the set has no parameters in place")
        }
        let count = declaration.parameters.count
        return .asDeclared(
            "running, next boot and later kernels have "
                + (count == 0 ? "none of the unwanted" : count == 1 ? "it" : "all \(count)"))
    }

    /// The parameters that the set put in place earlier and that are no longer declared.
    private static func former(
        _ declaration: KernelCmdlineDeclaration, _ recorded: [KernelParameter]?
    ) -> [KernelParameter] {
        (recorded ?? []).filter { old in
            !declaration.parameters.contains {
                $0 == old || ($0.key == old.key && !old.isRepeatable)
                    || (KernelParameter.hugepageKeys.contains($0.key)
                        && KernelParameter.hugepageKeys.contains(old.key))
            }
        }
    }

    package static func beforeImages(
        _ declaration: KernelCmdlineDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        guard case .known(let loader, _, _, _) = observation.boot else { return [] }
        var images: [BeforeImage] = []
        for path in RemovedParameters.paths(declaration.name)
            + (try loader.files(declaration.name, on: host.machine))
        {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            images.append(try found.fullImage(path, on: host))
        }
        return images
    }

    package static func apply(
        _ declaration: KernelCmdlineDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        guard case .known(let loader, _, let recorded, let gone) = observation.boot,
            changes.contains(where: { $0.layer == .persisted })
        else { return }
        // What the running kernel still has of the removed set is pending until the reboot.
        let leaving = former(declaration, recorded).filter { observation.running.contains($0) }
        let all = gone + leaving.filter { !gone.contains($0) }
        if all != gone { try RemovedParameters.write(declaration.name, all, on: host.machine) }
        try loader.put(
            declaration.name, declaration.parameters, declaration.unwanted, on: host)
    }
}

/// The parameters that a set removed since the last boot, in a file that a reboot deletes.
private enum RemovedParameters {
    static func path(_ name: String) -> String { "/run/muster/kernel_cmdline/\(name)" }

    /// The file and the directories above it, the topmost first.
    static func paths(_ name: String) -> [String] {
        ["/run/muster", "/run/muster/kernel_cmdline", path(name)]
    }

    static func read(_ name: String, on machine: any Machine) throws(AgentFault)
        -> [KernelParameter]
    {
        let text = try machine.readText(path(name))
        return KernelParameter.split(text ?? "")
    }

    static func write(
        _ name: String, _ parameters: [KernelParameter], on machine: any Machine
    ) throws(AgentFault) {
        for folder in paths(name).dropLast() { try makeDirectory(folder, on: machine) }
        let text = parameters.map(\.text).joined(separator: " ") + "\n"
        try NewFile(path: path(name), content: Array(text.utf8), mode: 0o644, uid: 0, gid: 0)
            .put(on: machine)
    }
}
