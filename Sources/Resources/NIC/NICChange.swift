import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults

/// Sets one link as declared.
struct NICChange {
    private let declaration: NICDeclaration
    private let link: NICLink
    /// Waits a moment.
    private let pause: () -> Void

    init(_ declaration: NICDeclaration, _ link: NICLink, _ pause: @escaping () -> Void) {
        self.declaration = declaration
        self.link = link
        self.pause = pause
    }

    /// Sets what differs; if the driver refuses a setting, those set before are put back.
    ///
    /// A link that comes up again renegotiates some settings (e1000e: pause). What differs after
    /// that is set once more.
    func make() throws(AgentFault) {
        let hadCarrier = try hasCarrier()
        try undoing { (undo) throws(AgentFault) in
            for _ in 0..<2 {
                for section in declaration.sections { try set(section, &undo) }
                guard hadCarrier, declaration.isUp != false else { return }
                try waitForCarrier()
                if try !differs() { return }
            }
        }
    }

    private func set(_ section: any NICSection, _ undo: inout Undo) throws(AgentFault) {
        var current: NICSetting?
        do throws(SystemError) {
            // Read again: channels that were just set may have reset settings that were right.
            let differing = try section.settings(of: link).filter(\.isToChange)
            guard let first = differing.first else { return }
            current = first
            for (part, saved) in try section.saved(of: link) {
                undo.add(.link(link, part, saved))
            }
            try section.set(on: link)
            current = try section.settings(of: link).first(where: \.isToChange)
        } catch {
            throw refusal(current, error)
        }
        guard let current else { return }
        throw AgentFault(
            "not-taken", "set \(current.attribute) of \(link.name) to \(current.wanted)",
            cause: "the driver accepted \(current.attribute) \(current.wanted), but then reports "
                + "\(current.shown ?? "nothing")",
            hint: "declare a value that the driver keeps unchanged")
    }

    private func differs() throws(AgentFault) -> Bool {
        try attempt("ask the driver of \(link.name)") { () throws(SystemError) in
            for section in declaration.sections {
                if try section.settings(of: link).contains(where: \.isToChange) { return true }
            }
            return false
        }
    }

    /// Whether the link has carrier; for a link that is down, the kernel answers EINVAL.
    private func hasCarrier() throws(AgentFault) -> Bool {
        let path = "/sys/class/net/\(link.name)/carrier"
        return try attempt("read \(path)") { () throws(SystemError) in
            do throws(SystemError) {
                return try machineText(path) == "1"
            } catch {
                if error.isNotFound || error.code == EINVAL { return false }
                throw error
            }
        }
    }

    private func machineText(_ path: String) throws(SystemError) -> String {
        String(decoding: try link.machine.read(path, limit: 64), as: UTF8.self).trimmingSpaces()
    }

    /// Waits ten seconds at most: a cable may have been unplugged meanwhile.
    private func waitForCarrier() throws(AgentFault) {
        for _ in 0..<33 {
            pause()
            if try hasCarrier() { return }
        }
    }

    private func refusal(_ setting: NICSetting?, _ error: SystemError) -> AgentFault {
        guard let setting else { return AgentFault("ask the driver of \(link.name)", error) }
        let attempted = "set \(setting.attribute) of \(link.name) to \(setting.wanted)"
        let hint: String
        switch error.code {
        case EBUSY:
            hint = "something holds its queues: Onload, a DPDK or XDP program; stop that first"
        case ENETDOWN: hint = "the link is down: declare link: up"
        case EINVAL, ERANGE:
            hint = "the driver does not accept this value: see ethtool \(link.name) and dmesg"
        case EOPNOTSUPP: hint = "this driver cannot set it; leave it out for this card"
        case EPERM, EACCES: hint = "in a container, only the host outside can set it"
        default: return AgentFault(attempted, error)
        }
        return AgentFault(
            "refused", attempted,
            cause: "the driver refuses \(setting.attribute) \(setting.wanted): \(error.reason)",
            hint: hint)
    }
}
