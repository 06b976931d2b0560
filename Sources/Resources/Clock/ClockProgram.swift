import FleetModel
import Kinds
import Linux
import SystemFaults

/// The program of a discipline as installed on disk.
enum ClockProgram {
    private static func call(_ discipline: PTPDeclaration.Discipline) -> ProgramCall {
        switch discipline {
        case .chrony: ProgramCall("/usr/sbin/chronyd", ["--version"], timeoutSeconds: 10)
        case .linuxptp: ProgramCall("/usr/sbin/ptp4l", ["-v"], timeoutSeconds: 10)
        case .sfptpd: ProgramCall("/usr/sbin/sfptpd", ["--version"], timeoutSeconds: 10)
        }
    }

    /// The version that the program reports; nil if it is not installed or reports none.
    static func version(
        of discipline: PTPDeclaration.Discipline, on machine: any Machine
    ) throws(AgentFault) -> String? {
        let call = call(discipline)
        do throws(SystemError) {
            let result = try machine.run(call)
            return version(result.outputText) ?? version(result.errorText)
        } catch {
            if error.isNotFound { return nil }
            throw AgentFault("ask \(call.path) for its version", error)
        }
    }

    /// The first word that begins with a digit, or `v` and a digit: `chronyd (chrony) version 4.3`.
    static func version(_ text: String) -> String? {
        text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init).first {
            let digits = $0.hasPrefix("v") ? $0.dropFirst() : $0[...]
            return digits.first?.isNumber == true
        }
    }
}
