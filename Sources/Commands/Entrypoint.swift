import CommandLineKit
import Diagnostics
import Fleet
import FleetModel
import Glibc
import Linux
import Store
import Views

/// The program from its arguments to its exit code.
package enum Entrypoint {
    /// Runs one command line (without the program's name) and waits for its end.
    ///
    /// The main thread waits in read(2), not in the main loop of the Swift runtime. The main loop
    /// would unblock the signals that ``InterruptWatcher`` reads, and they would end the program.
    /// The signals are blocked before any other thread starts, because threads inherit the mask.
    package static func main(_ arguments: [String]) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        InterruptWatcher.blockSignals()
        guard let pipe = try? Descriptor.pipe() else { return ExitCode.bug.rawValue }
        let end = pipe.write.number
        Task {
            let code = await run(arguments)
            var byte = UInt8(truncatingIfNeeded: code)
            write(end, &byte, 1)
        }
        guard let answer = try? pipe.read.read(upTo: 1), let code = answer.first else {
            return ExitCode.bug.rawValue
        }
        return Int32(code)
    }

    /// Runs one command line (without the program's name).
    static func run(_ arguments: [String]) async -> Int32 {
        let format = formatAsked(in: arguments)
        let output = Output(
            allowsColour: !arguments.contains("--no-color"),
            isVerbose: arguments.contains { $0 == "-v" || $0 == "--verbose" })
        do {
            switch try CommandTable.program.parse(arguments) {
            case .help(let verb):
                output.data(CommandTable.program.help(for: verb))
                return ExitCode.done.rawValue
            case .version:
                output.data("muster \(Version.current)\n")
                return ExitCode.done.rawValue
            case .run(let invocation):
                return try await run(invocation, output).rawValue
            }
        } catch {
            return report(error, output, format).rawValue
        }
    }

    private static func run(
        _ invocation: Invocation, _ output: Output
    ) async throws -> ExitCode {
        guard let command = CommandTable.commands.first(where: { $0.spec.name == invocation.verb })
        else { return .bug }
        let control = RunControl()
        let watcher = InterruptWatcher {
            if control.isStopping {
                output.event(.remark("interrupted again: giving up the hosts that are running"))
            } else {
                output.event(
                    .remark(
                        "interrupted: starting no more hosts, waiting for those that are running; "
                            + "interrupt again to give them up"))
            }
            control.requestStop()
        }
        defer { watcher.end() }
        let context = CommandContext(
            invocation: invocation, output: output, control: control,
            workingDirectory: Self.workingDirectory(), programFolder: Self.programFolder())
        return try await command.run(context)
    }

    /// Prints an error that no verb has handled, and returns its exit code.
    private static func report(_ error: any Error, _ output: Output, _ format: String) -> ExitCode {
        let all: [Diagnostic]
        switch error {
        case let faults as Faults: all = faults.all
        case let one as Diagnostic: all = [one]
        case let fault as StoreError:
            all = [
                Diagnostic(
                    "store-\(fault.kind.rawValue)", fault.summary, hint: fault.hint,
                    exitCode: .hostFailed)
            ]
        case let fault as SystemError:
            all = [
                Diagnostic("system", "\(fault)", hint: fault.hint, exitCode: .hostFailed)
            ]
        default:
            all = [
                Diagnostic(
                    "bug", "unexpected error in muster: \(error)",
                    hint: "please report this with the command line", exitCode: .bug)
            ]
        }
        output.diagnostics(all, format: format)
        let errors = all.filter { $0.severity == .error }
        if format == "text", errors.count > 1 { output.remark("\(errors.count) errors") }
        return ExitCode.combined(errors.map(\.exitCode))
    }

    private static func formatAsked(in arguments: [String]) -> String {
        for (index, word) in arguments.enumerated() {
            if word == "--format=json" || word == "--format=jsonl" { return "json" }
            if word == "--format", index + 1 < arguments.count, arguments[index + 1] != "text" {
                return "json"
            }
        }
        return "text"
    }

    private static func workingDirectory() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    private static func programFolder() -> String {
        let path = try? LocalMachine().linkTarget("/proc/self/exe")
        return PathName.parent(of: path ?? "/usr/bin/muster")
    }
}
