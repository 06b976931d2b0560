import FleetModel
import Kinds

/// Work that is done once in a run for all resources that want it.
package enum SharedWork: String, Sendable, CaseIterable {
    /// systemd reads the unit files anew.
    case daemonReload = "have systemd read its units"
    /// The file system that the kernel starts from is made anew.
    case initramfs = "make the initramfs anew"
    /// The boot loader's menu is made anew.
    case bootMenu = "make the boot menu anew"
}

/// The rest of a change that waits for shared work.
///
/// Everything that the resource needs for the work is in place: unit files, options of modules,
/// settings of the boot loader. The resource is verified only once the work is done.
package struct SharedWait {
    package let work: SharedWork
    /// Whether what follows the work changes what runs, and not just the next boot.
    package let isFollowed: Bool
    /// For the boot menu: the loader, and the parameters that every boot line must then have.
    let menu: (loader: GrubLoader, parameters: [KernelParameter])?
    /// Goes on with the resource once the work is done.
    let finish: () throws(AgentFault) -> Void
    /// Puts back what the change made, after the work failed; gives the fault to report.
    let undo: (AgentFault) -> AgentFault
    /// Makes the change and the work for this resource alone, after `undo`; nil where the work
    /// fails for each if it fails for all.
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
    /// Has work done that other resources of the run may want too; the last step of an `apply`.
    ///
    /// Where the host shares work, the engine has it done later, and calls on the rest of the change
    /// then. Elsewhere it is done at once, and a failure is thrown.
    func share(_ wait: SharedWait) throws(AgentFault) {
        if sharesWork {
            waiting = wait
        } else if let fault = carryOut([wait])[0] {
            throw fault
        }
    }

    /// Does the works that resources wait for, each once, and finishes those resources.
    ///
    /// Gives one fault for each, in the same order; nil where it went well. Work that fails for
    /// several is undone for all of them and then tried for each alone, so that one that breaks it
    /// does not keep the others from theirs.
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
            // The last first: a later one may have changed what an earlier one made.
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
