import FleetModel
import Glibc
import Linux
import SystemFaults

extension Restoration {
    /// Restores the line of an account file that begins with a name; a nil line is removed.
    static func accountLine(
        _ file: String, _ name: String, _ line: [UInt8]?, on machine: any Machine
    ) -> Restoration {
        let account = AccountLine(file: file, name: name, machine: machine)
        return Restoration("\(name) in \(file)") { () throws(AgentFault) in
            try account.now() == line
        } putBack: { () throws(AgentFault) in
            try account.put(line)
        }
    }
}

/// The line for a name in an account file: passwd(5), group(5), shadow(5) or a similar file.
struct AccountLine {
    let file: String
    let name: String
    let machine: any Machine

    /// The line as bytes, without its LF; nil if the file has no such line.
    func now() throws(AgentFault) -> [UInt8]? { try lines().first(where: isOfName) }

    /// Replaces the line of the name, or appends it if there is none; nil removes the line.
    ///
    /// The whole file is replaced, as the programs of shadow do. Throws while one of them has the
    /// file locked.
    func put(_ line: [UInt8]?) throws(AgentFault) {
        let attempted = "put back \(name) in \(file)"
        try attempt(attempted) { () throws(SystemError) in
            // The lock file of shadow's programs. lckpwdf(3) is held only during a write.
            if try machine.statusIfPresent(file + ".lock") != nil {
                throw SystemError(call: "open", object: file + ".lock", code: EBUSY)
            }
        }
        var lines = try lines()
        let place = lines.firstIndex(where: isOfName)
        lines.removeAll(where: isOfName)
        if let line { lines.insert(line, at: place ?? lines.count) }
        try attempt(attempted) { () throws(SystemError) in
            let status = try machine.status(file, followLinks: false)
            try machine.replaceFile(
                file, content: lines.flatMap { $0 + [UInt8(ascii: "\n")] }, mode: status.mode,
                uid: status.uid, gid: status.gid)
        }
    }

    private func isOfName(_ line: [UInt8]) -> Bool { line.starts(with: Array("\(name):".utf8)) }

    private func lines() throws(AgentFault) -> [[UInt8]] {
        let content = try attempt("read \(file)") { () throws(SystemError) in
            try machine.read(file, limit: 64 << 20)
        }
        var lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { Array($0) }
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }
}
