import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// A boot loader with Boot Loader Specification entries: systemd-boot, or Red Hat's GRUB.
///
/// See https://uapi-group.org/specifications/specs/boot_loader_specification and kernel-install(8).
struct EntryLoader: BootLoader {
    /// Where `loader/entries` is: `/boot`, `/efi`.
    let folder: String
    /// Where GRUB keeps its grubenv; nil for systemd-boot.
    let grubFolder: String?

    private static let template = "/etc/kernel/cmdline"
    private static let records = "/etc/muster/kernel_cmdline"

    func lines(on machine: any Machine) throws(AgentFault) -> [BootLine] {
        let entries = try entries(on: machine)
        guard let next = try next(of: entries, on: machine) else {
            throw AgentFault(
                "no-entry", "find the entry that boots next",
                cause: "\(folder)/loader/entries has no entries other than rescue entries",
                hint: "create one: kernel-install add VERSION IMAGE")
        }
        let environment = try environment(on: machine)
        var lines: [BootLine] = []
        for entry in [next] + entries.filter({ $0.path != next.path }) {
            lines.append(
                BootLine(
                    what: entry.path == next.path
                        ? "the entry that boots next"
                        : "the entry \(PathName.last(of: entry.path))",
                    source: entry.path, parameters: entry.parameters(environment)))
        }
        if let text = try machine.readText(Self.template) {
            lines.append(
                BootLine(
                    what: "kernels installed later", source: Self.template,
                    parameters: KernelParameter.split(text)))
        } else {
            // Without the file, kernel-install copies the running kernel's command line.
            lines.append(
                BootLine(
                    what: "kernels installed later", source: "/proc/cmdline", parameters: []))
        }
        return lines
    }

    func recorded(_ name: String, on machine: any Machine) throws(AgentFault) -> [KernelParameter]?
    {
        try machine.readText("\(Self.records)/\(name)").map {
            KernelParameter.split(
                $0.filledLines.filter { !$0.hasPrefix("#") }.joined(separator: " "))
        }
    }

    func files(_ name: String, on machine: any Machine) throws(AgentFault) -> [String] {
        var all = ["/etc/muster", Self.records, "\(Self.records)/\(name)", Self.template]
        all += try others(name, on: machine).map { "\(Self.records)/\($0)" }
        all += try entries(on: machine).map(\.path)
        if let path = environmentPath { all.append(path) }
        return all
    }

    /// The names of our other sets.
    private func others(_ name: String, on machine: any Machine) throws(AgentFault) -> [String] {
        try attempt("list \(Self.records)") { () throws(SystemError) in
            try machine.listIfPresent(Self.records).filter { $0 != name && !$0.hasPrefix(".") }
        }
    }

    func put(
        _ name: String, _ wanted: [KernelParameter], _ unwanted: [KernelParameter], on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        let former = try recorded(name, on: machine) ?? []
        func edit(_ line: [KernelParameter]) -> String {
            KernelCmdlineCheck.edited(line, wanted: wanted, unwanted: unwanted, former: former)
                .map(\.text).joined(separator: " ")
        }
        let lines = try lines(on: machine)
        let entries = try entries(on: machine)
        let next = lines[0].source
        try undoing { (undo) throws(AgentFault) in
            for folder in ["/etc/muster", Self.records] {
                undo.add(try .path(folder, on: machine))
                try makeDirectory(folder, on: machine)
            }
            // A parameter that moved here from another set is no longer removed with that set.
            let subjects = Set(wanted.map(\.subject))
            for other in try others(name, on: machine) {
                let theirs = try recorded(other, on: machine) ?? []
                let kept = theirs.filter { !subjects.contains($0.subject) }
                if kept.count < theirs.count { try record(other, kept, &undo, on: machine) }
            }
            // Until all files are written, both old and new parameters are recorded as ours.
            let all = former + wanted.filter { !former.contains($0) }
            try record(name, all, &undo, on: machine)
            try write(
                Self.template, edit(try templateLine(lines, on: machine)) + "\n", &undo,
                on: machine)
            if let path = environmentPath, let text = try machine.readText(path),
                let kernelopts = GrubMenu.environment(text)["kernelopts"]
            {
                let new = edit(KernelParameter.split(kernelopts))
                if new != kernelopts {
                    try setEnvironment("kernelopts", new, path, &undo, on: machine)
                }
            }
            // The entry that boots next comes last: until then, the next boot is unchanged.
            let ordered = entries.filter { $0.path != next } + entries.filter { $0.path == next }
            for entry in ordered {
                let text = entry.replacingOptions {
                    $0.contains(text: "$kernelopts") ? $0 : edit(KernelParameter.split($0))
                }
                if text != entry.text { try write(entry.path, text, &undo, on: machine) }
            }
            try record(name, wanted, &undo, on: machine)
        }
    }

    private func templateLine(
        _ lines: [BootLine], on machine: any Machine
    ) throws(AgentFault) -> [KernelParameter] {
        if let last = lines.last, last.source == Self.template { return last.parameters }
        if let text = try machine.readText("/usr/lib/kernel/cmdline") {
            return KernelParameter.split(text)
        }
        return lines[0].parameters
    }

    private func record(
        _ name: String, _ parameters: [KernelParameter], _ undo: inout Undo,
        on machine: any Machine
    ) throws(AgentFault) {
        let path = "\(Self.records)/\(name)"
        guard !parameters.isEmpty else {
            undo.add(try .path(path, on: machine))
            try attempt("remove \(path)") { () throws(SystemError) in
                if try machine.statusIfPresent(path) != nil { try machine.remove(path) }
            }
            let folders = [Self.records, PathName.parent(of: Self.records)]
            for folder in folders { undo.add(try .path(folder, on: machine)) }
            return try BootSettings.removeEmptyFolders(folders, on: machine)
        }
        let text =
            "# Kernel parameters that muster put in place; a record, not a setting.\n"
            + parameters.map(\.text).joined(separator: "\n") + "\n"
        try write(path, text, &undo, on: machine)
    }

    // MARK: Entries

    /// The entries with a kernel, without the rescue entries, the newest version first.
    private func entries(on machine: any Machine) throws(AgentFault) -> [BootEntry] {
        let path = "\(folder)/loader/entries"
        let names = try attempt("list \(path)") { () throws(SystemError) in
            try machine.listIfPresent(path)
        }
        var all: [BootEntry] = []
        for name in names where name.hasSuffix(".conf") && !name.contains(text: "-0-rescue") {
            guard let text = try machine.readText("\(path)/\(name)") else { continue }
            let entry = BootEntry(path: "\(path)/\(name)", text: text)
            if entry.field("linux") != nil { all.append(entry) }
        }
        return all.sorted { DebianVersion.compare($0.version, $1.version) > 0 }
    }

    private func next(
        of entries: [BootEntry], on machine: any Machine
    ) throws(AgentFault) -> BootEntry? {
        if grubFolder != nil {
            let environment = try environment(on: machine)
            let wanted =
                [environment["next_entry"], environment["saved_entry"]]
                .compactMap { $0 }.first { !$0.isEmpty } ?? "0"
            if let named = entries.first(where: { $0.id == wanted }) { return named }
            return Int(wanted).flatMap { entries.indices.contains($0) ? entries[$0] : nil }
                ?? entries.first
        }
        let text = try machine.readText("\(folder)/loader/loader.conf") ?? ""
        let setting = text.filledLines.last { $0.hasPrefix("default") }
        let pattern = setting?.split(whereSeparator: \.isWhitespace).dropFirst().first.map(
            String.init)
        guard let pattern else { return entries.first }
        return entries.first { entry in
            fnmatch(pattern, entry.id) || fnmatch(pattern, entry.id + ".conf")
        } ?? entries.first
    }

    private func fnmatch(_ pattern: String, _ text: String) -> Bool {
        Glibc.fnmatch(pattern, text, 0) == 0
    }

    // MARK: GRUB's variables

    private var environmentPath: String? { grubFolder.map { $0 + "/grubenv" } }

    private func environment(on machine: any Machine) throws(AgentFault) -> [String: String] {
        guard let path = environmentPath, let text = try machine.readText(path) else { return [:] }
        return GrubMenu.environment(text)
    }

    /// Sets a variable in grubenv and keeps the file's size, because GRUB writes it in place.
    private func setEnvironment(
        _ key: String, _ value: String, _ path: String, _ undo: inout Undo,
        on machine: any Machine
    ) throws(AgentFault) {
        let attempted = "set \(key) in \(path)"
        guard let text = try machine.readText(path) else { return }
        let size = text.utf8.count
        let lines = text.filledLines.filter { !$0.hasPrefix("####") }.map {
            $0.hasPrefix(key + "=") ? "\(key)=\(value)" : String($0)
        }
        var block = lines.joined(separator: "\n") + "\n"
        guard block.utf8.count <= size else {
            throw AgentFault(
                "no-space", attempted,
                cause: "the file has a fixed size of \(size) bytes, and the new value does not fit",
                hint: "remove unused variables; grub2-editenv - list shows all")
        }
        block += String(repeating: "#", count: size - block.utf8.count)
        try write(path, block, &undo, on: machine)
    }

    private func write(
        _ path: String, _ text: String, _ undo: inout Undo, on machine: any Machine
    ) throws(AgentFault) {
        undo.add(try .path(path, on: machine))
        let status = try attempt("look at \(path)") { () throws(SystemError) in
            try machine.statusIfPresent(path, followLinks: true)
        }
        if path == Self.template { try makeDirectory("/etc/kernel", on: machine) }
        try NewFile(
            path: path, content: Array(text.utf8), mode: status?.mode ?? 0o644,
            uid: status?.uid ?? 0, gid: status?.gid ?? 0
        ).put(on: machine)
    }
}
