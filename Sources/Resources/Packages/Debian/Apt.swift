import FleetModel
import Linux
import Wire

/// Calls of apt, with the options that all of them share.
enum Apt {
    static let get = "/usr/bin/apt-get"
    static let mark = "/usr/bin/apt-mark"
    static let cache = "/usr/bin/apt-cache"

    /// Asks nothing, keeps configuration files as they are on the host, waits for other apts.
    ///
    /// needrestart is kept from restarting services that have nothing to do with the package.
    private static let environment =
        ProgramCall.plainEnvironment + [
            "DEBIAN_PRIORITY=critical", "NEEDRESTART_SUSPEND=1", "APT_LISTCHANGES_FRONTEND=none",
            "UCF_FORCE_CONFFOLD=1",
        ]
    private static let options = [
        "-y", "-q", "-o", "Dpkg::Options::=--force-confdef", "-o",
        "Dpkg::Options::=--force-confold", "-o", "Dpkg::Use-Pty=0", "-o",
        "DPkg::Lock::Timeout=120",
    ]

    /// Runs apt-get; a status other than 0 is a fault with its last lines.
    @discardableResult
    static func get(
        _ arguments: [String], attempted: String, hint: String? = nil,
        timeoutSeconds: Double = timeoutSeconds(of: 1), on machine: any Machine
    ) throws(AgentFault) -> ProgramResult {
        try run(
            get, options + arguments, attempted: attempted, hint: hint,
            timeoutSeconds: timeoutSeconds, on: machine)
    }

    /// How long a change of so many packages may take: 30 minutes, and one more for each further.
    static func timeoutSeconds(of packages: Int) -> Double { 1740 + 60 * Double(packages) }

    /// Runs one of apt's programs; a status other than 0 is a fault with its last lines.
    @discardableResult
    static func run(
        _ program: String, _ arguments: [String], attempted: String, hint: String? = nil,
        timeoutSeconds: Double = timeoutSeconds(of: 1), on machine: any Machine
    ) throws(AgentFault) -> ProgramResult {
        let result: ProgramResult
        do throws(SystemError) {
            result = try machine.run(
                ProgramCall(
                    program, arguments, environment: environment, timeoutSeconds: timeoutSeconds))
        } catch {
            throw AgentFault(
                "no-apt", attempted, cause: error.description,
                hint: error.isNotFound ? "packages need a host with apt" : error.hint)
        }
        guard result.succeeded else { throw fault(result, program, attempted, hint) }
        return result
    }

    private static func fault(
        _ result: ProgramResult, _ program: String, _ attempted: String, _ hint: String?
    ) -> AgentFault {
        let errors = Excerpt.lines(of: result.errorText, most: 8)
        let said = errors.isEmpty ? Excerpt.lines(of: result.outputText, most: 8) : errors
        let text = said.joined(separator: "\n")
        let name = PathName.last(of: program)
        // apt exits with 100 for every fault: only its messages in the C locale tell which.
        if text.contains(text: "dpkg was interrupted") || text.contains(text: "dpkg --configure -a")
        {
            return .interruptedDpkg(attempted)
        }
        if text.contains(text: "Could not get lock")
            || text.contains(text: "Unable to acquire the dpkg")
        {
            return AgentFault(
                "locked", attempted, cause: text,
                hint: "wait until the other apt or dpkg has finished, and apply again")
        }
        return AgentFault(
            "apt-failed", attempted,
            cause: "\(name) \(result.endText)" + said.map { "\n    \($0)" }.joined(), hint: hint)
    }

    /// Fetches package lists.
    ///
    /// An error of any source is a fault; apt by itself would only warn.
    ///
    /// apt does not wait for the lock of the lists, so this function does, for half a minute.
    static func update(
        _ arguments: [String] = [], attempted: String, on host: Host
    ) throws(AgentFault) {
        for attempt in 1... {
            do throws(AgentFault) {
                try get(
                    ["-o", "APT::Update::Error-Mode=any"] + arguments + ["update"],
                    attempted: attempted,
                    hint:
                        "check that the host can reach the address, and that the key is right",
                    on: host.machine)
                return
            } catch {
                guard error.code == "locked", attempt < 100 else { throw error }
                host.settle()
            }
        }
    }

    /// The versions that the package lists offer, newest first, for each name they know.
    static func offered(
        _ names: [String], on machine: any Machine
    ) throws(AgentFault) -> [String: [String]] {
        if names.isEmpty { return [:] }
        let result = try run(
            cache, ["policy", "--"] + names, attempted: "read the package lists", on: machine)
        return parsePolicy(result.outputText)
    }

    /// ```
    /// muster-demo:
    ///   Version table:
    ///  *** 1.0-1 500
    ///         500 file:/srv/packages ./ Packages
    ///         100 /var/lib/dpkg/status
    /// ```
    static func parsePolicy(_ output: String) -> [String: [String]] {
        var offered: [String: [String]] = [:]
        var name = ""
        var version: String?
        for line in output.filledLines {
            let indent = line.prefix { $0 == " " }.count
            let words = line.split(separator: " ")
            if indent == 0, line.hasSuffix(":") {
                name = String(line.dropLast())
                offered[name] = []
                version = nil
            } else if line.hasPrefix(" *** "), words.count >= 2 {
                version = String(words[1])
            } else if indent == 5, let word = words.first {
                version = String(word)
            } else if indent >= 8, let found = version, words.count >= 2 {
                // A version that only the status file lists cannot be installed again.
                if words[1] != "/var/lib/dpkg/status" {
                    offered[name, default: []].append(found)
                    version = nil
                }
            }
        }
        return offered
    }
}

extension AgentFault {
    /// A dpkg that was interrupted: apt refuses to work until dpkg has been repaired.
    static func interruptedDpkg(_ attempted: String) -> AgentFault {
        AgentFault(
            "dpkg-interrupted", attempted, cause: "an earlier run of dpkg was interrupted",
            hint: "run `dpkg --configure -a` on the host until it succeeds, and apply again")
    }
}
