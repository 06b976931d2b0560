import FleetModel
import Kinds

/// Work that is done once in a run for all resources that need it.
package enum SharedWork: String, Sendable, CaseIterable {
    /// systemd reloads the unit files (daemon-reload).
    case daemonReload = "reload systemd's unit files"
    /// The initramfs is regenerated.
    case initramfs = "regenerate the initramfs"
    /// The boot loader's menu is generated again.
    case bootMenu = "regenerate the boot menu"
}

/// The rest of a change that waits for shared work.
///
/// Everything that the resource needs for the work is in place: unit files, options of modules,
/// settings of the boot loader. The resource is verified only once the work is done.
package struct SharedWait {
    package let work: SharedWork
    /// Whether `finish` changes the running system, and not only the next boot.
    package let isFollowed: Bool
    /// For the boot menu: the loader, and the parameters that every command line must then have.
    let menu: (loader: GrubLoader, parameters: [KernelParameter])?
    /// Completes the change after the work is done.
    let finish: () throws(AgentFault) -> Void
    /// Undoes the change after the work has failed; returns the fault to report.
    let undo: (AgentFault) -> AgentFault
    /// Repeats the change and the work for this resource only, after `undo`.
    ///
    /// Nil if a failure of the shared work means that it would fail for each resource too.
    let alone: (() throws(AgentFault) -> Void)?

    init(
        _ work: SharedWork, isFollowed: Bool = false,
        menu: (loader: GrubLoader, parameters: [KernelParameter])? = nil,
        finish: @escaping () throws(AgentFault) -> Void = { () throws(AgentFault) in },
        undo: @escaping (AgentFault) -> AgentFault = { $0 },
        alone: (() throws(AgentFault) -> Void)? = nil
    ) {
        self.work = work
        self.isFollowed = isFollowed
        self.menu = menu
        self.finish = finish
        self.undo = undo
        self.alone = alone
    }
}

extension Host {
    /// Requests work that other resources of the run may need too; the last step of an `apply`.
    ///
    /// If the host shares work, the engine does the work later and then completes the change.
    /// Otherwise the work is done at once, and a failure is thrown.
    func share(_ wait: SharedWait) throws(AgentFault) {
        if sharesWork {
            waiting = wait
        } else if let fault = carryOut([wait])[0] {
            throw fault
        }
    }

    /// Does each work that resources wait for once, and completes their changes.
    ///
    /// Returns one entry for each resource, in the same order: its fault, or nil for success. If
    /// work fails for several resources, the changes of all are undone and then tried one by one,
    /// so that one bad resource does not stop the others.
    package func carryOut(_ waits: [SharedWait]) -> [AgentFault?] {
        let shared = sharesWork
        sharesWork = false
        defer { sharesWork = shared }
        var faults = [AgentFault?](repeating: nil, count: waits.count)
        for work in SharedWork.allCases {
            let members = waits.indices.filter { waits[$0].work == work }
            if members.isEmpty { continue }
            for (index, fault) in zip(members, carryOut(work, members.map { waits[$0] })) {
                faults[index] = fault
            }
        }
        return faults
    }

    private func carryOut(_ work: SharedWork, _ waits: [SharedWait]) -> [AgentFault?] {
        do throws(AgentFault) {
            try perform(work, for: waits)
        } catch {
            let fault = error
            // In reverse order: a later change may have modified the result of an earlier one.
            let undone = Array(waits.reversed().map { $0.undo(fault) }.reversed())
            if waits.count == 1 { return undone }
            return zip(waits, undone).map { wait, fault in
                wait.alone.map { alone in Host.fault(of: alone) } ?? fault
            }
        }
        return waits.map { Host.fault(of: $0.finish) }
    }

    private func perform(
        _ work: SharedWork, for waits: [SharedWait]
    ) throws(AgentFault) {
        switch work {
        case .daemonReload:
            try Systemctl.run(["daemon-reload"], attempted: work.rawValue, on: machine)
        case .initramfs: try Initramfs.makeAnew(on: machine)
        case .bootMenu:
            try waits.first?.menu?.loader.regenerate(
                waits.flatMap { $0.menu?.parameters ?? [] }, on: machine)
        }
    }

    private static func fault(of body: () throws(AgentFault) -> Void) -> AgentFault? {
        do throws(AgentFault) {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
