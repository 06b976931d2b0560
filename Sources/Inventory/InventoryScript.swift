import Diagnostics
import Linux
import YAML

/// An inventory executable: run with `--list`, and with `--host` if `--list` gives no variables.
struct InventoryScript {
    let path: String
    let files: InventoryFiles
    let options: InventoryOptions

    /// Whether the kernel would run a file with this beginning.
    static func isProgram(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: Array("#!".utf8)) || bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46])
    }

    func read(into builder: inout InventoryBuilder) {
        guard let document = output(["--list"], &builder) else { return }
        var asked = 0
        ScriptSource.read(document, named: "the output of \(path)", into: &builder) {
            host, builder in
            asked += 1
            guard let answer = output(["--host", host], emptyIsNothing: true, &builder) else {
                return nil
            }
            guard let entries = answer.map else {
                builder.bag.add(
                    Diagnostic(
                        "inventory-form",
                        "\(path) --host \(host) must print a map, not \(answer.kindText)",
                        at: answer.place))
                return nil
            }
            return YAMLSource.assignments(entries)
        }
        if asked > 1 {
            builder.bag.add(
                Diagnostic(
                    .warning, "slow-inventory",
                    "\(path) prints no _meta.hostvars, so it was run once more for each of \(asked) hosts",
                    hint: "print \"_meta\": {\"hostvars\": {…}} with --list"))
        }
    }

    /// The JSON that a call prints; nil, with a fault added, if the call fails.
    private func output(
        _ arguments: [String], emptyIsNothing: Bool = false, _ builder: inout InventoryBuilder
    ) -> Node? {
        let command = ([path] + arguments).joined(separator: " ")
        let result: ProgramResult
        do {
            result = try files.machine.run(
                ProgramCall(
                    files.absolute(path), arguments, environment: options.environment,
                    timeoutSeconds: options.scriptTimeoutSeconds, outputLimit: YAMLLimits().bytes))
        } catch {
            builder.bag.add(
                Diagnostic(
                    "inventory-script", "cannot run \(command)", cause: error.reason,
                    hint: error.isNotFound
                        ? "check the interpreter in its first line" : error.hint))
            return nil
        }
        guard result.succeeded else {
            builder.bag.add(
                Diagnostic(
                    "inventory-script", "\(command) \(result.endText)",
                    cause: Self.lastLines(result.errorText), hint: hint(for: result.end, command)))
            return nil
        }
        if result.output.allSatisfy({ [9, 10, 13, 32].contains($0) }) {
            let source = SourceText(name: "output of \(command)", text: "{}")
            if emptyIsNothing { return try? YAMLReader.parseJSON(source) }
            builder.bag.add(
                Diagnostic(
                    "inventory-script", "\(command) printed nothing",
                    cause: Self.lastLines(result.errorText),
                    hint: "it must print a JSON map of groups, {} where there are none"))
            return nil
        }
        do {
            return try YAMLReader.parseJSON(
                try SourceText(name: "output of \(command)", bytes: result.output))
        } catch {
            builder.bag.add(
                Diagnostic(
                    "inventory-script", "\(command) did not print JSON",
                    at: error.all.first?.place, cause: error.all.first?.summary,
                    hint: "run it by hand to see what it prints"
                        + (Self.lastLines(result.errorText).map { "; its errors: \($0)" } ?? ""))
            )
            return nil
        }
    }

    private func hint(for end: ProgramResult.End, _ command: String) -> String {
        switch end {
        case .timedOut:
            "it may take \(Int(options.scriptTimeoutSeconds)) s (limits.inventory_script in "
                + "settings.yaml); run it by hand to see where it hangs"
        case .tooMuchOutput: "the output may have at most \(YAMLLimits().bytes >> 20) MiB"
        default: "run it by hand: \(command)"
        }
    }

    /// The last lines that a program printed, on one line.
    private static func lastLines(_ text: String) -> String? {
        let lines = text.split(whereSeparator: \.isNewline).suffix(3)
        return lines.isEmpty ? nil : String(lines.joined(separator: " / ").suffix(300))
    }
}
