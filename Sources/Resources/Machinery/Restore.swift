import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Puts back the state before changes, from their before-images.
///
/// The order follows the dependencies: units that did not run are stopped, then come files,
/// accounts, packages, depmod, modules, kernel settings and units, and last restarts and the
/// initramfs. A second call changes nothing.
package struct Restore {
    private let host: Host
    private let isSameBoot: Bool
    private let content: (Digest) throws(AgentFault) -> [UInt8]

    /// `content` returns the blobs that images name by digest.
    ///
    /// `isSameBoot` says whether the images were taken since the last boot: process IDs are valid
    /// only for one boot.
    package init(
        machine: any Machine, isSameBoot: Bool = true, settle: @escaping () -> Void,
        content: @escaping (Digest) throws(AgentFault) -> [UInt8]
    ) {
        self.isSameBoot = isSameBoot
        self.content = content
        host = Host(
            machine: machine, blob: content,
            keep: { (bytes) throws(AgentFault) in Digest(of: bytes) })
        host.settle = settle
    }

    /// Puts back the state that the images hold, where the current state differs.
    ///
    /// The images are those of one change or of a whole run, in the order in which they were taken.
    /// If several are of the same item, the first counts. Returns the outcome of each image.
    package func putBack(_ images: [BeforeImage]) -> [Restored] {
        var work = RestoreWork(images)
        goDown(&work)
        for item in work.paths { run(item, &work) }
        for item in work.all(where: { $0.isMetadata && !$0.isDevice }) { run(item, &work) }
        for item in work.all(where: \.isAccount) { run(item, &work) }
        let packages = work.all(where: \.isPackage)
        for item in packages { run(item, &work) }
        if packages.contains(where: { work.isPutBack($0) }) {
            // Package scripts may have changed files that were just put back.
            for item in work.paths { run(item, &work) }
        }
        readUnits(&work)
        for item in work.all(where: { $0.isDerived("depmod") }) { run(item, &work) }
        putBackModules(&work)
        // Device files appear and disappear with modules.
        for item in work.all(where: { $0.isMetadata && $0.isDevice }) { run(item, &work) }
        for item in work.all(where: \.isKernels).reversed() { run(item, &work) }
        for item in work.all(where: \.isUnit) { run(item, &work) }
        // The partition file of a slice exists only while the slice is active.
        for item in work.all(where: \.isControlGroup) { run(item, &work) }
        for item in work.all(where: \.isOtherDerived) { run(item, &work) }
        for item in work.all(where: { $0.isDerived("initramfs") }) { run(item, &work) }
        return work.result
    }

    private var machine: any Machine { host.machine }

    private func run(_ item: RestoreWork.Item, _ work: inout RestoreWork) {
        do throws(AgentFault) {
            if let exempt = try exemption(item.image) { return work.note(item, .exempt(exempt)) }
            guard let step = try restoration(of: item.image, work) else {
                return work.note(item, .wasThere)
            }
            work.note(item, try step.run() ? .putBack : .wasThere)
        } catch {
            work.note(item, .failed(error))
        }
    }

    private func exemption(_ image: BeforeImage) throws(AgentFault) -> NotRestored? {
        switch image {
        case .link(_, "firmware", _): return .firmware
        case .unit(let name, let active, let enabled):
            guard UnitState(active: active, enabled: enabled).runs,
                let now = try UnitStatus.show([name], on: machine).first
            else { return nil }
            return now.isStopped && !now.isFound ? .unitsWithoutFile : nil
        default: return nil
        }
    }

    // MARK: One image

    /// The restoration of one image.
    ///
    /// Nil if there is nothing to put back: for a process that has ended, or for a step such as
    /// the initramfs if nothing was put back.
    private func restoration(
        of image: BeforeImage, _ work: RestoreWork
    ) throws(AgentFault) -> Restoration? {
        switch image {
        case .nothing(let path): return .path(path, .nothing, on: machine)
        case .file(let path, let digest, let mode, let uid, let gid):
            let state = PathState.file(
                content: try content(digest), mode: UInt32(clamping: mode),
                uid: UInt32(clamping: uid), gid: UInt32(clamping: gid))
            return .path(path, state, on: machine)
        case .directory(let path, let mode, let uid, let gid):
            let state = PathState.directory(
                mode: UInt32(clamping: mode), uid: UInt32(clamping: uid),
                gid: UInt32(clamping: gid))
            return .path(path, state, on: machine)
        case .symlink(let path, let target):
            return .path(path, .link(target: target), on: machine)
        case .metadata(let path, let mode, let uid, let gid):
            return .metadata(
                path, mode: UInt32(clamping: mode), uid: UInt32(clamping: uid),
                gid: UInt32(clamping: gid), on: machine)
        case .sysctl(let key, let value): return .sysctl(SysctlKey(key), value, on: machine)
        case .kernelFile(let path, let value): return .kernelFile(path, value, on: machine)
        case .affinity(let pid, let cpus):
            guard isSameBoot else {
                throw AgentFault(
                    "another-boot", "put back the CPUs of process \(pid)",
                    cause: "the host was rebooted since then, so that process no longer exists")
            }
            return try .affinity(of: pid, cpus, on: machine)
        case .module(let name, let isLoaded):
            return .module(
                name, isLoaded: isLoaded, parameters: try parameters(of: name, work), on: machine)
        case .link(let name, let setting, let value):
            return try link(name, setting, value)
        case .unit(let name, let active, let enabled):
            return .unit(name, UnitState(active: active, enabled: enabled), on: machine)
        case .package(let name, let version, let isHeld):
            return .package(name, version: version, isHeld: isHeld, on: host)
        case .accountLine(let file, let name, let digest):
            let line = try digest.map { (digest) throws(AgentFault) in try content(digest) }
            return .accountLine(file, name, line, on: machine)
        case .derived(let what):
            return work.changed ? .derived(what, on: machine) : nil
        }
    }

    private func link(
        _ name: String, _ setting: String, _ value: String
    ) throws(AgentFault) -> Restoration {
        let attempted = "put back \(setting) of \(name)"
        guard let saved = try? JSON(parsing: Array(value.utf8)) else {
            throw AgentFault("damaged", attempted, cause: "its before-image is not valid JSON")
        }
        if setting == "network" {
            return .network(name, saved, pause: host.settle, on: machine)
        }
        guard let part = LinkParts.named(setting) else {
            throw AgentFault(
                "unknown-image", attempted, cause: "this agent does not know this setting")
        }
        return .link(NICLink(name: name, machine: machine), part, saved)
    }

    /// The earlier values of a module's read-only parameters, from the other images.
    private func parameters(
        of module: String, _ work: RestoreWork
    ) throws(AgentFault) -> [String: String] {
        let folder = "/sys/module/\(module)/parameters/"
        var all: [String: String] = [:]
        for item in work.items {
            guard case .kernelFile(let path, let value) = item.image, path.hasPrefix(folder) else {
                continue
            }
            let status = try attempt("look at \(path)") { () throws(SystemError) in
                try machine.statusIfPresent(path)
            }
            if let status, status.mode & 0o200 == 0 {
                all[String(path.dropFirst(folder.utf8.count))] = value
            }
        }
        return all
    }

    // MARK: Several at once

    /// Stops or disables units that did not run or were not enabled, while their files still exist.
    private func goDown(_ work: inout RestoreWork) {
        for item in work.all(where: \.isUnit) {
            guard case .unit(let name, let active, let enabled) = item.image else { continue }
            let saved = UnitState(active: active, enabled: enabled)
            let unit = UnitPutBack(name: name, saved: saved, machine: machine)
            do throws(AgentFault) {
                if try unit.goDown() { work.note(item, .putBack) }
            } catch {
                // It is tried again after its files are put back, and reported then.
                work.note(item, .failed(error))
            }
        }
    }

    /// Reloads systemd if unit files were put back; if that fails, they are noted as failed.
    private func readUnits(_ work: inout RestoreWork) {
        let files = work.paths.filter { work.isPutBack($0) && $0.isUnitFile }
        if files.isEmpty, !work.all(where: \.isPackage).contains(where: { work.isPutBack($0) }) {
            return
        }
        do throws(AgentFault) {
            try Systemctl.run(
                ["daemon-reload"], attempted: "reload systemd's unit files", on: machine)
        } catch {
            // If systemd does not run, there is nothing to reload.
            if error.code == "no-systemd" { return }
            for item in files { work.note(item, .failed(error)) }
        }
    }

    /// Puts modules back; repeats while some succeed, because one module may depend on another.
    private func putBackModules(_ work: inout RestoreWork) {
        var left = work.all(where: \.isModule)
        while true {
            for item in left { run(item, &work) }
            let failed = left.filter { work.isFailed($0) }
            if failed.isEmpty || failed.count == left.count { return }
            left = failed
        }
    }
}
