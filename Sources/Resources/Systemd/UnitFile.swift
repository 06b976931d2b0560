import FleetModel
import Linux
import SystemFaults

/// A unit file or drop-in, read for what systemctl does not report.
struct UnitFile {
    /// The assignments in order.
    private let assignments: [(section: String, name: String, value: String)]

    init(_ text: String) {
        var all: [(section: String, name: String, value: String)] = []
        var section = ""
        var pending = ""
        for raw in text.lines {
            let line = Self.trimmed(raw)
            // A comment inside a continued line is skipped, and the line goes on after it.
            if line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasSuffix("\\") {
                pending += line.dropLast() + " "
                continue
            }
            let whole = pending + line
            pending = ""
            if whole.hasPrefix("["), whole.hasSuffix("]") {
                section = String(whole.dropFirst().dropLast())
            } else if let equals = whole.firstIndex(of: "=") {
                let name = Self.trimmed(whole[..<equals])
                let value = Self.trimmed(whole[whole.index(after: equals)...])
                all.append((section, name, value))
            }
        }
        assignments = all
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        let start = text.drop(while: isSpace)
        let end = start.lastIndex { !isSpace($0) }
        return end.map { String(start[...$0]) } ?? ""
    }

    /// The files a unit is made of, in the order systemd reads them.
    static func all(
        of status: UnitStatus, on machine: any Machine
    ) throws(AgentFault) -> [UnitFile] {
        var files: [UnitFile] = []
        for path in [status.fragmentPath] + status.dropInPaths where !path.isEmpty {
            let text = try machine.readText(path, limit: 1 << 20)
            if let text { files.append(UnitFile(text)) }
        }
        return files
    }

    /// Whether enabling the unit creates links of its own, not only those of units in `Also=`.
    var hasInstallRules: Bool {
        assignments.contains {
            $0.section == "Install" && !$0.value.isEmpty
                && ["WantedBy", "RequiredBy", "UpheldBy", "Alias"].contains($0.name)
        }
    }

    /// The conditions of several files in systemd's order; an empty assignment resets the list.
    static func conditions(of files: [UnitFile]) -> [UnitCondition] {
        var conditions: [UnitCondition] = []
        for file in files {
            for assignment in file.assignments
            where assignment.section == "Unit" && assignment.name.hasPrefix("Condition") {
                if assignment.value.isEmpty {
                    conditions = []
                } else {
                    conditions.append(UnitCondition(name: assignment.name, value: assignment.value))
                }
            }
        }
        return conditions
    }
}

/// One `Condition…=` of a unit.
struct UnitCondition: Hashable {
    let name: String
    /// The value, including a leading `|` or `!`.
    let value: String

    var text: String { "\(name)=\(value)" }
    var isTriggering: Bool { value.hasPrefix("|") }

    /// The condition written as a triggering one.
    ///
    /// systemd evaluates every triggering condition, but stops at the first other unmet one.
    var triggering: String { isTriggering ? text : "\(name)=|\(value)" }

    /// Whether a program other than systemd itself can evaluate the condition.
    ///
    /// That is not possible if the condition is about the process (user, capabilities, CPUs,
    /// environment), or contains a specifier of the unit.
    var canBeEvaluated: Bool {
        let ofTheProcess = [
            "ConditionUser", "ConditionGroup", "ConditionCapability", "ConditionCPUs",
            "ConditionEnvironment", "ConditionCredential", "ConditionPathIsReadWrite",
        ]
        return !ofTheProcess.contains(name) && !value.contains("%")
    }

    /// The condition that keeps each unit from starting; nil where none is known.
    ///
    /// One run of systemd-analyze for all units; without that program nothing is known.
    static func firstUnmet(
        _ units: [[UnitCondition]], on machine: any Machine
    ) throws(AgentFault) -> [String?] {
        let all = Set(units.joined().filter(\.canBeEvaluated).map(\.triggering)).sorted()
        if all.isEmpty { return units.map { _ in nil } }
        let call = ProgramCall(
            "/usr/bin/systemd-analyze", ["condition", "--"] + all, timeoutSeconds: 10)
        let result: ProgramResult
        do throws(SystemError) {
            result = try machine.run(call)
        } catch {
            if error.isNotFound { return units.map { _ in nil } }
            throw AgentFault("evaluate the conditions of units", error)
        }
        var answers: [String: Bool] = [:]
        for line in (result.outputText + "\n" + result.errorText).filledLines {
            for (ending, isMet) in [(" succeeded.", true), (" failed.", false)]
            where line.hasSuffix(ending) {
                let text = line.dropLast(ending.count)
                guard let start = text.firstIndex(of: " ") else { continue }
                answers[String(text[text.index(after: start)...])] = isMet
            }
        }
        return units.map { conditions in
            if let one = conditions.first(where: {
                !$0.isTriggering && answers[$0.triggering] == false
            }) {
                return one.text
            }
            // One triggering condition that is met is enough.
            let triggering = conditions.filter(\.isTriggering)
            guard !triggering.isEmpty, triggering.allSatisfy({ answers[$0.text] == false }) else {
                return nil
            }
            return triggering.map(\.text).joined(separator: " and ")
        }
    }
}
