import FleetModel
import Kinds
import Linux
import SystemFaults

/// GRUB with a menu that grub-mkconfig writes, as on Debian and Ubuntu.
struct GrubLoader: BootLoader {
    /// The menu: `/boot/grub/grub.cfg`.
    let config: String

    private static let defaults = "/etc/default/grub"

    func lines(on machine: any Machine) throws(AgentFault) -> [BootLine] {
        let text = try read(config, on: machine)
        return [try next(in: text, on: machine), try template(on: machine)]
    }

    private func next(
        in text: String, on machine: any Machine
    ) throws(AgentFault) -> BootLine {
        let block = try attempt("read which entry boots next") { () throws(SystemError) in
            try machine.textIfPresent(PathName.parent(of: config) + "/grubenv")
        }
        guard let entry = GrubMenu(text).next(GrubMenu.environment(block ?? "")) else {
            throw AgentFault(
                "no-entry", "find the entry that boots next",
                cause: "\(config) has no menu entry",
                hint: "run update-grub and read its output")
        }
        return BootLine(
            what: "the entry that boots next", source: "\(config):\(entry.line)",
            parameters: KernelParameter.split(GrubText.unescape(entry.arguments)))
    }

    /// The command line that grub-mkconfig would give to kernels installed later.
    ///
    /// The settings are shell code, with `$` and functions, so a shell reads them.
    private func template(on machine: any Machine) throws(AgentFault) -> BootLine {
        let script = """
            if [ -f \(Self.defaults) ]; then . \(Self.defaults); fi
            for x in \(Self.defaults).d/*.cfg; do if [ -e "$x" ]; then . "$x"; fi; done
            printf '\\0%s %s\\0' "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"
            """
        let attempted = "read \(Self.defaults) and \(Self.defaults).d"
        let result = try attempt(attempted) { () throws(SystemError) in
            try machine.run(
                ProgramCall(
                    "/bin/sh", ["-c", script],
                    environment: ProgramCall.plainEnvironment + ["sysconfdir=/etc"],
                    timeoutSeconds: 30))
        }
        let pieces = result.output.split(separator: 0, omittingEmptySubsequences: false)
        guard result.succeeded, pieces.count >= 3 else {
            throw AgentFault(
                "bad-settings", attempted,
                cause: "the shell \(result.endText): \(ProgramText.excerpt(of: result))",
                hint: "find the line: sh -n \(Self.defaults)")
        }
        let text = String(decoding: pieces[pieces.count - 2], as: UTF8.self)
        return BootLine(
            what: "kernels installed later", source: Self.defaults,
            parameters: KernelParameter.split(GrubText.unescape(text)))
    }

    func recorded(_ name: String, on machine: any Machine) throws(AgentFault) -> [KernelParameter]?
    {
        let path = GrubDropIn.path(name)
        return try machine.readText(path).map(GrubDropIn.recorded)
    }

    func files(_ name: String, on machine: any Machine) throws(AgentFault) -> [String] {
        [GrubDropIn.path(name), config] + (try others(name, on: machine).map(\.path))
    }

    /// The files of our other sets.
    private func others(
        _ name: String, on machine: any Machine
    ) throws(AgentFault) -> [(path: String, name: String)] {
        let folder = PathName.parent(of: GrubDropIn.path(name))
        let names = try attempt("list \(folder)") { () throws(SystemError) in
            try machine.listIfPresent(folder)
        }
        return names.filter { $0.hasPrefix("90-muster-") && $0.hasSuffix(".cfg") }
            .map { ("\(folder)/\($0)", String($0.dropFirst("90-muster-".count).dropLast(4))) }
            .filter { $0.1 != name }
    }

    func put(
        _ name: String, _ wanted: [KernelParameter], _ unwanted: [KernelParameter], on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        let path = GrubDropIn.path(name)
        let isEmpty = wanted.isEmpty && unwanted.isEmpty
        // The settings and the menu must agree: the menu is generated last, and if that fails, the
        // settings are restored.
        let made = try undoing { (undo) throws(AgentFault) in
            // A parameter that moved here from another set is removed from that set.
            for other in try others(name, on: machine) {
                let text = try read(other.path, on: machine)
                let subjects = Set((wanted + unwanted).map(\.subject))
                guard let new = GrubDropIn.yielding(text, other.name, to: subjects) else {
                    continue
                }
                undo.add(try .path(other.path, on: machine))
                try NewFile.keep(other.path, new, on: machine)
            }
            undo.add(try .path(path, on: machine))
            try NewFile.keep(
                path, isEmpty ? nil : GrubDropIn.text(name, wanted, unwanted), on: machine)
            return undo
        }
        try host.share(
            SharedWait(
                .bootMenu, menu: (self, wanted), undo: { fault in made.after(fault) },
                alone: { () throws(AgentFault) in
                    try put(name, wanted, unwanted, on: host)
                }))
    }

    /// Generates a new menu beside the one in use, checks it, and then replaces the one in use.
    ///
    /// Throws if a command line would lack one of the wanted parameters; the menu in use is then
    /// unchanged.
    ///
    /// grub-mkconfig would overwrite the menu in use, and a power cut would leave half of it.
    func regenerate(
        _ wanted: [KernelParameter], on machine: any Machine
    ) throws(AgentFault) {
        let attempted = "generate \(config)"
        let program = try mkconfig(on: machine)
        let candidate = PathName.join(PathName.parent(of: config), ".muster-grub.cfg")
        defer {
            for path in [candidate, candidate + ".new"] { try? machine.remove(path) }
        }
        let result = try attempt(attempted) { () throws(SystemError) in
            try machine.run(ProgramCall(program, ["-o", candidate], timeoutSeconds: 300))
        }
        guard result.succeeded else {
            throw AgentFault(
                "grub-mkconfig", attempted,
                cause: "\(program) \(result.endText): \(ProgramText.excerpt(of: result))",
                hint: "the menu in use is unchanged; fix the cause, then run \(program) by hand")
        }
        let text = try read(candidate, on: machine)
        let line = try next(in: text, on: machine)
        let lines = [line, try template(on: machine)]
        for line in lines {
            if let missing = KernelCmdlineCheck.missing(wanted, in: line.parameters) {
                throw AgentFault(
                    "overridden", attempted,
                    cause: "\(line.what) would not have \(missing.text)",
                    hint: "either a later file in \(Self.defaults).d overwrites"
                        + " GRUB_CMDLINE_LINUX_DEFAULT, or grub-reboot chose another entry for the"
                        + " next boot"
                )
            }
        }
        let status = try attempt(attempted) { () throws(SystemError) in
            try machine.status(config, followLinks: true)
        }
        try NewFile(
            path: config, content: Array(text.utf8), mode: status.mode, uid: status.uid,
            gid: status.gid
        ).put(on: machine)
    }

    private func mkconfig(on machine: any Machine) throws(AgentFault) -> String {
        for path in ["/usr/sbin/grub-mkconfig", "/usr/sbin/grub2-mkconfig"] {
            let status = try attempt("look for grub-mkconfig") { () throws(SystemError) in
                try machine.statusIfPresent(path, followLinks: true)
            }
            if status != nil { return path }
        }
        throw AgentFault(
            "no-program", "generate \(config)", cause: "grub-mkconfig is not installed",
            hint: "install grub-common")
    }

    private func read(_ path: String, on machine: any Machine) throws(AgentFault) -> String {
        String(
            decoding: try attempt("read \(path)") { () throws(SystemError) in
                try machine.read(path, limit: 4 << 20)
            }, as: UTF8.self)
    }
}
