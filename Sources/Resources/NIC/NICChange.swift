import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults

/// Makes the settings of one link as declared.
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

    /// Sets what differs; where one is refused, what was set before it is put back.
    ///
    /// A link that comes up anew negotiates what was set while it was down (e1000e's pause), so that
    /// what then differs is set once more.
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
            // Channels set a moment ago have reset what was right before.
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
            cause: "the driver took \(current.attribute) \(current.wanted), and it then reads "
                + "\(current.shown ?? "nothing")",
            hint: "declare a value that the driver takes as it is")
    }

    private func differs() throws(AgentFault) -> Bool {
        try attempt("ask the driver of \(link.name)") { () throws(SystemError) in
            for section in declaration.sections {
                if try section.settings(of: link).contains(where: \.isToChange) { return true }
            }
            return false
        }
    }

    /// Whether there is a signal; a link that is down has none, and says so by an error.
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

    /// For ten seconds at most: what is plugged out meanwhile is not for us to wait for.
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
            hint = "the driver takes other values: see ethtool \(link.name) and dmesg"
        case EOPNOTSUPP: hint = "this driver cannot set it; leave it out for this card"
        case EPERM, EACCES: hint = "in a container it belongs to the host outside"
        default: return AgentFault(attempted, error)
        }
        return AgentFault(
            "refused", attempted,
            cause: "the driver refuses \(setting.attribute) \(setting.wanted): \(error.reason)",
            hint: hint)
    }
}
