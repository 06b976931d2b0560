import FleetModel
import Kinds
import Linux
import Wire

/// Calls of dnf, with the options that all of them share.
enum Dnf {
    static let program = "/usr/bin/dnf"

    /// Makes dnf ask nothing and leave other packages alone.
    ///
    /// It neither replaces obsoleted packages nor removes those that are no longer needed.
    private static let options = [
        "-y", "-q", "--setopt=clean_requirements_on_remove=False", "--setopt=obsoletes=False",
    ]

    /// Runs dnf; a status other than 0 is a fault with its last lines.
    @discardableResult
    static func run(
        _ arguments: [String], attempted: String, hint: String? = nil,
        timeoutSeconds: Double = 1800, on machine: any Machine
    ) throws(AgentFault) -> ProgramResult {
        let result: ProgramResult
        do throws(SystemError) {
            result = try machine.run(
                ProgramCall(
                    program, options + arguments,
                    environment: ProgramCall.plainEnvironment + ["NEEDRESTART_SUSPEND=1"],
                    timeoutSeconds: timeoutSeconds))
        } catch {
            throw AgentFault(
                "no-dnf", attempted, cause: error.description,
                hint: error.isNotFound ? "packages need a host with apt or dnf" : error.hint)
        }
        guard result.succeeded else {
            let errors = Excerpt.lines(of: result.errorText, most: 8)
            let said = errors.isEmpty ? Excerpt.lines(of: result.outputText, most: 8) : errors
            let isLocked = said.contains { $0.contains(text: "can't create transaction lock") }
            throw AgentFault(
                isLocked ? "locked" : isNoMatch(said) ? "no-match" : "dnf-failed", attempted,
                cause: "dnf \(result.endText)" + said.map { "\n    \($0)" }.joined(),
                hint: isLocked ? "wait until the other rpm has finished, and apply again" : hint)
        }
        return result
    }

    /// Whether no repository has the package or version; dnf 4 and dnf 5 word it differently.
    private static func isNoMatch(_ lines: [String]) -> Bool {
        lines.contains {
            $0.contains(text: "Unable to find a match")
                || $0.contains(text: "No match for argument")
        }
    }

    /// The versions that the repositories offer, newest first.
    static func offered(
        _ name: String, on machine: any Machine
    ) throws(AgentFault) -> [String] {
        let result = try run(
            ["repoquery", "--showduplicates", "--qf", "%{epoch}:%{version}-%{release}\\n", name],
            attempted: "list the versions of \(name) in the repositories", on: machine)
        // dnf 4 prints the characters \n literally, and ends each line itself.
        let versions = result.outputText.filledLines.map { line in
            let line = line.hasSuffix("\\n") ? line.dropLast(2) : line
            return String(line.hasPrefix("0:") ? line.dropFirst(2) : line)
        }
        return Set(versions.filter { !$0.isEmpty }).sorted { RPMVersion.compare($0, $1) > 0 }
    }
}
