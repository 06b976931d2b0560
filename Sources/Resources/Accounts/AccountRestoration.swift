import FleetModel
import Glibc
import Linux
import SystemFaults

extension Restoration {
    /// One line of an account file, by the name it begins with; nil where there was none.
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

/// The line that an account file has for a name: of passwd(5), group(5), shadow(5) and their like.
struct AccountLine {
    let file: String
    let name: String
    let machine: any Machine

    /// The line as bytes, without its LF; nil where there is none.
    func now() throws(AgentFault) -> [UInt8]? { try lines().first(where: isOfName) }

    /// Puts the line where one of the name is, else at the end; nil takes it away.
    ///
    /// The file is replaced whole, as the programs of shadow do, and never while one of them has it.
    func put(_ line: [UInt8]?) throws(AgentFault) {
        let attempted = "put back \(name) in \(file)"
        try attempt(attempted) { () throws(SystemError) in
            // Their lock; lckpwdf(3) is for the time of a write alone.
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
