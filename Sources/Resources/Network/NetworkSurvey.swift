import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults

/// Finds what configures an interface on a host, and the files that concern it.
struct NetworkSurvey {
    let declaration: NetworkDeclaration
    let machine: any Machine

    /// The manager: the declared one, else systemd-networkd where it runs, else ifupdown.
    func manager() throws(AgentFault) -> NetworkDeclaration.Manager? {
        if let manager = declaration.manager { return manager }
        if try Networkctl.isRunning(on: machine) { return .networkd }
        let hasIfup = try isThere("/sbin/ifup")
        return hasIfup ? .ifupdown : nil
    }

    private func isThere(_ path: String) throws(AgentFault) -> Bool {
        try attempt("look for \(path)") { () throws(SystemError) in
            try machine.statusIfPresent(path, followLinks: true) != nil
        }
    }

    private func list(_ path: String) throws(AgentFault) -> [String] {
        try attempt("list \(path)") { () throws(SystemError) in try machine.listIfPresent(path) }
    }

    /// The files with their current and wanted texts, and why they would have no effect.
    func files(
        of manager: NetworkDeclaration.Manager
    ) throws(AgentFault) -> ([NetworkFile], AgentFault?) {
        switch manager {
        case .networkd: try networkd()
        case .ifupdown: try ifupdown()
        }
    }

    private func files(
        _ wanted: [String: String], besides paths: [String]
    ) throws(AgentFault) -> [NetworkFile] {
        var files: [NetworkFile] = []
        for path in Set(wanted.keys).union(paths).sorted() {
            let now = try machine.readText(path)
            if now != nil || wanted[path] != nil {
                files.append(NetworkFile(path: path, now: now, wanted: wanted[path]))
            }
        }
        return files
    }

    // MARK: systemd-networkd

    private func networkd() throws(AgentFault) -> ([NetworkFile], AgentFault?) {
        let name = declaration.name
        let folder = NetworkdFiles.folder
        var obstacle: AgentFault?
        var parentFile: String?
        if let vlan = declaration.vlan, declaration.isPresent {
            parentFile = try networkFile(of: vlan.parent)
            if parentFile == nil {
                obstacle = AgentFault(
                    "no-parent", "make the VLAN \(name)",
                    cause: "systemd-networkd has no .network file for \(vlan.parent)",
                    hint: "declare network: \(vlan.parent) before it")
            }
        }
        let wanted = NetworkdFiles.wanted(declaration, parentFile: parentFile)
        // Muster's earlier files, of another kind of interface, another parent or other members.
        var own = ["network", "netdev"].map { "\(folder)/\(NetworkdFiles.base(name)).\($0)" }
        for entry in try list(folder) {
            let path = "\(folder)/\(entry)"
            if entry.hasSuffix(".network.d"), try isThere("\(path)/muster-\(name).conf") {
                own.append("\(path)/muster-\(name).conf")
            } else if entry.hasPrefix("05-muster-"), entry.hasSuffix(".network"),
                let text = try machine.readText(path), text.hasPrefix(NetworkFile.head),
                text.filledLines.contains("Bond=\(name)")
            {
                own.append(path)
            }
        }
        for link in declaration.isPresent ? [name] + (declaration.bond?.members ?? []) : [] {
            if obstacle == nil { obstacle = try shadow(of: link) }
        }
        return (try files(wanted, besides: own), obstacle)
    }

    /// The name of the .network file that systemd-networkd uses for an interface.
    private func networkFile(of link: String) throws(AgentFault) -> String? {
        let own = "\(NetworkdFiles.base(link)).network"
        if try isThere("\(NetworkdFiles.folder)/\(own)") { return own }
        guard let index = try machine.readText("/sys/class/net/\(link)/ifindex")?.trimmingSpaces(),
            let state = try machine.readText("\(NetworkdFiles.runtime)/links/\(index)")
        else { return nil }
        let key = "NETWORK_FILE="
        return state.filledLines.first { $0.hasPrefix(key) }.map {
            PathName.last(of: String($0.dropFirst(key.utf8.count)))
        }
    }

    /// The fault where a file before muster's matches the interface: only the first one applies.
    private func shadow(of link: String) throws(AgentFault) -> AgentFault? {
        let own = "\(NetworkdFiles.base(link)).network"
        for folder in [NetworkdFiles.folder, "/run/systemd/network", "/usr/lib/systemd/network"] {
            for entry in try list(folder) where entry.hasSuffix(".network") && entry < own {
                let path = "\(folder)/\(entry)"
                let names = IniFile(try machine.readText(path) ?? "")["Match", "Name"] ?? ""
                let fits = names.split(separator: " ").contains {
                    fnmatch(String($0), link, 0) == 0
                }
                if fits, !entry.hasPrefix("05-muster-") {
                    return AgentFault(
                        "shadowed", "set up the interface \(link)",
                        cause:
                            "\(path) sorts before \(own) and matches too; "
                            + "only the first file applies",
                        hint: "remove it, or give it a later name: 50-\(link).network")
                }
            }
        }
        return nil
    }

    // MARK: ifupdown

    private func ifupdown() throws(AgentFault) -> ([NetworkFile], AgentFault?) {
        let name = declaration.name
        let own = IfupdownFile.path(name)
        let files = try files(IfupdownFile.wanted(declaration), besides: [own])
        guard declaration.isPresent else { return (files, nil) }
        let attempted = "set up the interface \(name)"
        let main = try machine.readText(IfupdownFile.main) ?? ""
        let reads = main.filledLines.contains { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count == 2 else { return false }
            return words[0] == "source" && fnmatch(String(words[1]), own, 0) == 0
                || words[0] == "source-directory" && words[1] == IfupdownFile.folder
        }
        if !reads {
            return (
                files,
                AgentFault(
                    "not-read", attempted,
                    cause: "\(IfupdownFile.main) does not include \(IfupdownFile.folder)",
                    hint: "add the line: source \(IfupdownFile.folder)/*")
            )
        }
        let members = declaration.bond?.members ?? []
        for path in [IfupdownFile.main]
            + (try list(IfupdownFile.folder).map { "\(IfupdownFile.folder)/\($0)" })
        where path != own {
            let text = path == IfupdownFile.main ? main : try machine.readText(path) ?? ""
            for (number, line) in text.lines.enumerated() {
                let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
                guard words.count > 2, words[0] == "iface", ([name] + members).contains(words[1])
                else { continue }
                return (
                    files,
                    AgentFault(
                        "another-stanza", attempted,
                        cause: "\(path):\(number + 1) already has a stanza for \(words[1])",
                        hint: "remove that stanza: the declaration replaces it")
                )
            }
        }
        return (files, nil)
    }
}
