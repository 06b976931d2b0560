import FleetModel
import Kinds
import Linux
import SystemFaults

/// What systemd reports about one unit.
package struct UnitStatus: Sendable, Equatable {
    private let properties: [String: String]
    /// Files in /etc/systemd/system that systemd should have loaded and has not.
    package var filesNotLoaded: [String] = []

    package init(_ properties: [String: String]) { self.properties = properties }

    private func text(_ name: String) -> String { properties[name] ?? "" }

    /// The unit's own name, also where it was asked for by an alias.
    package var id: String { text("Id") }
    package var loadState: String { text("LoadState") }
    /// Why it could not be loaded, in systemd's words; empty where it could.
    package var loadError: String {
        // org.freedesktop.systemd1.NoSuchUnit "Unit x.service not found."
        let text = text("LoadError")
        let parts = text.split(separator: "\"")
        return parts.count > 1 ? String(parts[1]) : text
    }
    package var activeState: String { text("ActiveState") }
    package var subState: String { text("SubState") }
    package var unitFileState: String { text("UnitFileState") }
    /// Whether what systemd has in memory is older than the unit's files.
    package var needsDaemonReload: Bool {
        text("NeedDaemonReload") == "yes" || !filesNotLoaded.isEmpty
    }
    package var fragmentPath: String { text("FragmentPath") }
    package var sourcePath: String { text("SourcePath") }
    package var dropInPaths: [String] { text("DropInPaths").split(separator: " ").map(String.init) }
    package var type: String { text("Type") }
    package var remainsAfterExit: Bool { text("RemainAfterExit") == "yes" }
    package var result: String { text("Result") }
    package var canReload: Bool { text("CanReload") == "yes" }
    /// The main process of the unit; nil where none runs.
    package var mainPID: Int? { Int(text("MainPID")).flatMap { $0 > 0 ? $0 : nil } }
    package var triggeredBy: [String] { text("TriggeredBy").split(separator: " ").map(String.init) }

    package var isFound: Bool { loadState != "not-found" }
    package var isMasked: Bool { loadState == "masked" || unitFileState.hasPrefix("masked") }
    /// Masked only until the next boot.
    package var isMaskedAtRuntime: Bool { unitFileState == "masked-runtime" }
    package var isRunning: Bool {
        ["active", "reloading", "refreshing"].contains(activeState)
    }
    package var isStopped: Bool { ["inactive", "failed"].contains(activeState) }
    /// Whether the unit ends as soon as it has done its work, and so is never found running.
    package var endsByItself: Bool { type == "oneshot" && !remainsAfterExit }

    /// `active (running)`, `failed (exit-code)`, `inactive`.
    package var activeText: String {
        let detail = activeState == "failed" ? result : subState
        return ["", "dead", activeState].contains(detail)
            ? activeState : "\(activeState) (\(detail))"
    }

    static let wanted = [
        "Id", "LoadState", "LoadError", "ActiveState", "SubState", "UnitFileState",
        "NeedDaemonReload", "FragmentPath", "SourcePath", "DropInPaths", "Type", "RemainAfterExit",
        "Result", "CanReload", "TriggeredBy", "MainPID",
    ]

    /// Asks systemd for all units at once; one answer each, in the same order.
    package static func show(
        _ units: [String], on machine: any Machine
    ) throws(AgentFault) -> [UnitStatus] {
        if units.isEmpty { return [] }
        let attempted =
            "ask systemd for the state of \(units.count == 1 ? units[0] : "\(units.count) units")"
        let result = try Systemctl.run(
            ["show", "--property=" + wanted.joined(separator: ","), "--"] + units,
            attempted: attempted, on: machine)
        let blocks = parse(result.outputText)
        guard blocks.count == units.count else {
            throw AgentFault(
                "systemctl-answer", attempted,
                cause: "systemctl answered for \(blocks.count) of \(units.count) units")
        }
        return try blocks.withFilesNotLoaded(on: machine)
    }

    /// The units in systemd's memory whose names match one of the patterns: `getty@*.service`.
    static func show(
        matching patterns: [String], on machine: any Machine
    ) throws(AgentFault) -> [UnitStatus] {
        let result = try Systemctl.run(
            ["show", "--property=" + wanted.joined(separator: ","), "--"] + patterns,
            attempted: "ask systemd for \(patterns.joined(separator: ", "))", on: machine)
        return try parse(result.outputText).withFilesNotLoaded(on: machine)
    }

    /// Blocks of `NAME=VALUE` lines with an empty line between.
    static func parse(_ output: String) -> [UnitStatus] {
        var blocks: [UnitStatus] = []
        var block: [String: String] = [:]
        for line in output.lines {
            if line.isEmpty {
                if !block.isEmpty { blocks.append(UnitStatus(block)) }
                block = [:]
            } else if let equals = line.firstIndex(of: "=") {
                block[String(line[..<equals])] = String(line[line.index(after: equals)...])
            }
        }
        if !block.isEmpty { blocks.append(UnitStatus(block)) }
        return blocks
    }
}

extension [UnitStatus] {
    fileprivate func withFilesNotLoaded(on machine: any Machine) throws(AgentFault) -> [UnitStatus]
    {
        var found = self
        for index in found.indices {
            found[index].filesNotLoaded = try attempt("read the files of \(found[index].id)") {
                () throws(SystemError) in
                try found[index].newerFiles(on: machine)
            }
        }
        return found
    }
}

extension UnitStatus {
    /// Directories that take precedence over /etc/systemd/system.
    private static let earlierDirectories = [
        "/etc/systemd/system.", "/run/systemd/system.", "/run/systemd/transient/",
        "/run/systemd/generator.early/",
    ]

    /// The files of the unit that systemd has not read.
    ///
    /// `NeedDaemonReload` covers only files that systemd knew when it last read its directories. It
    /// does not show the first drop-in of a unit, or a new file in place of the distribution's.
    fileprivate func newerFiles(on machine: any Machine) throws(SystemError) -> [String] {
        guard loadState == "loaded", !fragmentPath.isEmpty else { return [] }
        var newer: [String] = []
        let names = [id] + (UnitName.template(of: id).map { [$0] } ?? [])
        if !UnitStatus.earlierDirectories.contains(where: fragmentPath.hasPrefix) {
            for name in names {
                let path = "\(UnitDeclaration.directory)/\(name)"
                guard try machine.statusIfPresent(path)?.type == .file else { continue }
                if path != fragmentPath { newer.append(path) }
                break
            }
        }
        let dropIns = Set(dropInPaths)
        for name in names {
            let directory = "\(UnitDeclaration.directory)/\(name).d"
            for file in try machine.listIfPresent(directory)
            where file.hasSuffix(".conf") && !file.hasPrefix(".") {
                let path = "\(directory)/\(file)"
                if !dropIns.contains(path) { newer.append(path) }
            }
        }
        return newer
    }
}

extension UnitStatus {
    /// Whether a unit generated from a script of /etc/init.d has a start link in a runlevel.
    ///
    /// nil for any other unit.
    func isEnabledInRunlevels(on machine: any Machine) throws(AgentFault) -> Bool? {
        guard unitFileState == "generated", sourcePath.hasPrefix("/etc/init.d/") else { return nil }
        let script = PathName.last(of: sourcePath)
        for level in 2...5 {
            let directory = "/etc/rc\(level).d"
            let links = try attempt("list \(directory)") { () throws(SystemError) in
                try machine.listIfPresent(directory)
            }
            if links.contains(where: { $0.hasPrefix("S") && $0.dropFirst(3) == script }) {
                return true
            }
        }
        return false
    }
}
