import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults

/// Changes kernel parameters: sets each running value, and rewrites each file once.
enum SysctlChange {
    /// Makes the changes, and checks that the next boot will apply each value.
    ///
    /// Returns one entry for each change, in the same order: its fault, or nil for success.
    static func make(
        _ due: [DueChange<SysctlBehaviour>], on machine: any Machine
    ) -> [AgentFault?] {
        var faults = [AgentFault?](repeating: nil, count: due.count)
        func record(_ indices: [Int], _ body: () throws(AgentFault) -> Void) {
            do throws(AgentFault) {
                try body()
            } catch {
                for index in indices { faults[index] = error }
            }
        }
        // The kernel comes first: a value that it refuses must not be written for the next boot.
        for (index, one) in due.enumerated() {
            guard one.changes.contains(where: { $0.layer == .running }),
                let value = one.declaration.value
            else { continue }
            record([index]) { () throws(AgentFault) in
                try setRunning(one.declaration.key, value, on: machine)
            }
        }
        var lines = due.indices.filter { index in
            faults[index] == nil && due[index].changes.contains { $0.layer == .persisted }
        }
        for file in Set(lines.map { due[$0].declaration.file }).sorted() {
            let members = lines.filter { due[$0].declaration.file == file }
            record(members) { () throws(AgentFault) in
                try persist(members.map { due[$0].declaration }, in: file, on: machine)
            }
        }
        lines.removeAll { faults[$0] != nil || due[$0].declaration.value == nil }
        if lines.isEmpty { return faults }
        record(lines) { () throws(AgentFault) in
            let files = try SysctlFiles(on: machine)
            for index in lines {
                guard let value = due[index].declaration.value else { continue }
                record([index]) { () throws(AgentFault) in
                    try checkWins(due[index].declaration, value, in: files)
                }
            }
        }
        return faults
    }

    private static func setRunning(
        _ key: SysctlKey, _ value: String, on machine: any Machine
    ) throws(AgentFault) {
        let attempted = "set \(key.dotted) to \(value)"
        do {
            try machine.writeInPlace(key.procPath, Array((value + "\n").utf8))
        } catch {
            switch error.code {
            case EINVAL, ERANGE, EDOM:
                throw AgentFault(
                    "invalid-value", attempted,
                    cause: "the kernel refuses the value: \(error.reason)",
                    hint: "see the kernel's documentation of \(key.dotted) for the valid values")
            case EROFS, EACCES, EPERM:
                throw AgentFault(
                    "read-only", attempted,
                    cause: "the parameter is read-only here: \(error.reason)",
                    hint: "in a container, declare it on the host outside")
            default: throw AgentFault(attempted, error)
            }
        }
    }

    /// Writes the declared lines into a file, and removes the lines declared absent.
    private static func persist(
        _ declarations: [SysctlDeclaration], in file: String, on machine: any Machine
    ) throws(AgentFault) {
        let found = try PathObservation(file, accounts: Accounts(), on: machine)
        if let status = found.status, status.type != .file {
            let noun = PathText.noun(status.type, linkTarget: found.linkTarget)
            throw AgentFault(
                "wrong-type", "write \(file)", cause: "there is \(noun)",
                hint: "remove it, or use path to name another file in /etc/sysctl.d")
        }
        // Read again: a line for another parameter may have been written just before.
        let text = try found.status.map { (_) throws(AgentFault) in
            try self.text(of: file, on: machine)
        }
        var content = SysctlOwnFile(text)
        for declaration in declarations {
            if let value = declaration.value {
                content.set(declaration.key, to: SysctlValue.normal(value))
            } else {
                content.remove(declaration.key)
            }
        }
        guard let new = content.text else {
            if found.status == nil { return }
            return try attempt("remove \(file)") { () throws(SystemError) in
                try machine.remove(file)
            }
        }
        if new == text { return }
        if !found.hasParent { try makeDirectory(PathName.parent(of: file), on: machine) }
        try NewFile(
            path: file, content: Array(new.utf8), mode: found.status?.mode ?? 0o644,
            uid: found.status?.uid ?? 0, gid: found.status?.gid ?? 0
        ).put(on: machine)
    }

    private static func text(
        of file: String, on machine: any Machine
    ) throws(AgentFault) -> String {
        let bytes = try attempt("read \(file)") { () throws(SystemError) in
            try machine.read(file, limit: 4 << 20)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw AgentFault(
                "not-text", "edit \(file)",
                cause: "the file is not UTF-8, and an edit would damage other lines",
                hint: "correct the file, or use path to name another file")
        }
        return text
    }

    private static func checkWins(
        _ declaration: SysctlDeclaration, _ value: String, in files: SysctlFiles
    ) throws(AgentFault) {
        let winner = files.effective(declaration.key)
        if let winner, let set = winner.value, SysctlValue.same(set, value) { return }
        let attempted = "persist \(declaration.key.dotted) = \(SysctlValue.normal(value))"
        let hint = "remove that line, or declare path with a name that sorts after "
        guard let winner else {
            let exclusion = files.exclusion(of: declaration.key)
            throw AgentFault(
                "overridden", attempted,
                cause:
                    "\(exclusion?.source ?? "a file"), read after \(declaration.file), excludes it",
                hint: hint + PathName.last(of: exclusion?.path ?? "it"))
        }
        throw AgentFault(
            "overridden", attempted,
            cause: "\(winner.source), read after \(declaration.file), sets it to "
                + SysctlValue.normal(winner.value ?? ""),
            hint: hint + PathName.last(of: winner.path))
    }
}
