import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `resolv`.
package enum ResolvBehaviour: ResourceBehaviour {
    /// Who writes /etc/resolv.conf.
    enum Writer: Sendable, Equatable {
        /// An ordinary file that no program generates.
        case file
        case resolved
        /// Another program, by its name.
        case other(String)
    }

    package struct Observation: Sendable {
        var writer: Writer
        var file: PathObservation
        /// What /etc/resolv.conf says; nil where it is not there.
        var text: String?
        /// Our file for systemd-resolved; nil where it is not there.
        var dropIn: String?
        /// The servers that systemd-resolved asks: the global ones and those of links.
        var asked: [String] = []
    }

    private static let path = "/etc/resolv.conf"
    private static let dropIn = "/etc/systemd/resolved.conf.d/90-muster.conf"
    private static let servers = "/run/systemd/resolve/resolv.conf"

    package static func observe(
        _ declarations: [ResolvDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let machine = host.machine
        return observeEach(declarations) { (_) throws(AgentFault) in
            let file = try PathObservation(path, accounts: Accounts(), on: machine)
            return try attempt("read \(path)") { () throws(SystemError) in
                let text = try machine.textIfPresent(path, limit: 1 << 20)
                var found = Observation(
                    writer: writer(file, text), file: file, text: text,
                    dropIn: try machine.textIfPresent(dropIn, limit: 1 << 20))
                if found.writer == .resolved {
                    found.asked = ResolvFile(try machine.textIfPresent(servers) ?? "").nameservers
                }
                return found
            }
        }
    }

    private static func writer(_ file: PathObservation, _ text: String?) -> Writer {
        if let target = file.linkTarget {
            if target.contains(text: "/run/systemd/resolve/") { return .resolved }
            return .other(
                target.contains(text: "resolvconf")
                    ? "resolvconf"
                    : target.contains(text: "NetworkManager") ? "NetworkManager" : target)
        }
        let comments = (text ?? "").filledLines.filter { $0.hasPrefix("#") }
        for name in ["NetworkManager", "resolvconf"]
        where comments.contains(where: { $0.contains(text: name) }) {
            return .other(name)
        }
        return .file
    }

    // MARK: Comparing

    package static func diff(
        _ declaration: ResolvDeclaration, _ observation: Observation
    ) -> Difference {
        let attempted = "set the name servers of the host"
        switch observation.writer {
        case .other(let name):
            if !declaration.isPresent { return .asDeclared("\(name) writes it") }
            return .blocked(
                AgentFault(
                    "written-by-another", attempted, cause: "\(name) writes \(path)",
                    hint: "set them there, or replace \(path) with an ordinary file"))
        case .resolved:
            if declaration.isPresent, !declaration.options.isEmpty {
                return .blocked(
                    AgentFault(
                        "no-options", attempted,
                        cause: "systemd-resolved writes \(path), and takes no options",
                        hint: "leave options out for this host"))
            }
            return resolved(declaration, observation)
        case .file: return plain(declaration, observation)
        }
    }

    private static func resolved(
        _ declaration: ResolvDeclaration, _ observation: Observation
    ) -> Difference {
        let wanted = declaration.isPresent ? dropInText(declaration) : nil
        var changes: [Change] = []
        if observation.dropIn != wanted {
            changes.append(
                Change(
                    "file",
                    before: observation.dropIn == nil ? nil : wanted == nil ? "present" : "other",
                    after: wanted == nil ? "absent" : "as declared", disruption: .serviceRestart,
                    source: dropIn))
        }
        let missing = declaration.nameservers.map(\.address).filter {
            !observation.asked.contains($0)
        }
        if declaration.isPresent, !missing.isEmpty {
            changes.append(
                Change(
                    "nameservers", layer: .running, before: .strings(observation.asked),
                    after: .strings(declaration.nameservers.map(\.address)),
                    disruption: .serviceRestart))
        }
        return changes.isEmpty ? .asDeclared(reason(declaration)) : .changes(changes)
    }

    private static func plain(
        _ declaration: ResolvDeclaration, _ observation: Observation
    ) -> Difference {
        let isOurs = observation.text?.hasPrefix(NetworkFile.head) ?? false
        if !declaration.isPresent {
            return isOurs
                ? .changes([Change("state", before: "present", after: "absent")])
                : .asDeclared("not written by muster")
        }
        let found = ResolvFile(observation.text ?? "")
        var changes: [Change] = []
        func compare(_ attribute: String, _ before: [String], _ after: [String]) {
            if before == after { return }
            changes.append(
                Change(
                    attribute, before: before.isEmpty ? nil : .strings(before),
                    after: after.isEmpty ? nil : .strings(after), source: path))
        }
        compare("nameservers", found.nameservers, declaration.nameservers.map(\.address))
        compare("search", found.search, declaration.search)
        compare("options", found.options.sorted(), declaration.options.sorted())
        return changes.isEmpty ? .asDeclared(reason(declaration)) : .changes(changes)
    }

    private static func reason(_ declaration: ResolvDeclaration) -> String {
        declaration.isPresent
            ? "asks " + declaration.nameservers.map(\.address).joined(separator: ", ")
            : "not written by muster"
    }

    private static func dropInText(_ declaration: ResolvDeclaration) -> String {
        NetworkFile.head + "[Resolve]\nDNS="
            + declaration.nameservers.map(\.address).joined(separator: " ") + "\n"
            + (declaration.search.isEmpty
                ? "" : "Domains=\(declaration.search.joined(separator: " "))\n")
    }

    // MARK: Changing

    package static func beforeImages(
        _ declaration: ResolvDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        guard observation.writer == .resolved else {
            return [try observation.file.fullImage(path, on: host)]
        }
        var images: [BeforeImage] = []
        let folder = PathName.parent(of: dropIn)
        let hasFolder = try attempt("look for \(folder)") { () throws(SystemError) in
            try host.machine.statusIfPresent(folder) != nil
        }
        if !hasFolder { images.append(.nothing(path: folder)) }
        let file = try PathObservation(dropIn, accounts: Accounts(), on: host.machine)
        return images + [
            try file.fullImage(dropIn, on: host), .derived("restart systemd-resolved.service"),
        ]
    }

    package static func apply(
        _ declaration: ResolvDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        guard observation.writer == .resolved else {
            var text = NetworkFile.head
            for server in declaration.nameservers { text += "nameserver \(server.address)\n" }
            for (key, words) in [("search", declaration.search), ("options", declaration.options)]
            where !words.isEmpty {
                text += "\(key) \(words.joined(separator: " "))\n"
            }
            return try NewFile.keep(path, declaration.isPresent ? text : nil, on: machine)
        }
        try undoing { (undo) throws(AgentFault) in
            undo.add(.resolved(on: machine))
            undo.add(try .path(PathName.parent(of: dropIn), on: machine))
            undo.add(try .path(dropIn, on: machine))
            try NewFile.keep(
                dropIn, declaration.isPresent ? dropInText(declaration) : nil, on: machine)
            try restart(on: machine)
        }
    }

    /// Restarts systemd-resolved, which reads its drop-ins only when it starts.
    fileprivate static func restart(on machine: any Machine) throws(AgentFault) {
        let unit = "systemd-resolved.service"
        try Systemctl.run(
            ["restart", unit], attempted: "restart systemd-resolved", unit: unit, on: machine)
    }
}

extension Restoration {
    /// Restarts systemd-resolved, so that it reads the drop-ins that were put back.
    fileprivate static func resolved(on machine: any Machine) -> Restoration {
        var isDone = false
        return Restoration("systemd-resolved's settings") { () throws(AgentFault) in
            isDone
        } putBack: { () throws(AgentFault) in
            try ResolvBehaviour.restart(on: machine)
            isDone = true
        }
    }
}

/// What a resolver reads in resolv.conf(5).
struct ResolvFile {
    var nameservers: [String] = []
    var search: [String] = []
    var options: [String] = []

    init(_ text: String) {
        for line in text.filledLines {
            // A comment begins in the first column, and nowhere else.
            if line.hasPrefix("#") || line.hasPrefix(";") { continue }
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.count > 1, line.first?.isWhitespace == false else { continue }
            switch words[0] {
            case "nameserver":
                nameservers.append((try? IPPrefix(words[1]))?.address ?? words[1])
            case "search": search = Array(words.dropFirst())
            case "domain": search = [words[1]]
            case "options": options += words.dropFirst()
            default: break
            }
        }
    }
}
