import Diagnostics
import Linux
import TestSupport
import Testing
import Wire

@testable import Inventory

/// The real Ansible, as the tests' measure.
enum Reference {
    /// One call of `ansible-inventory` or of `ansible`.
    struct Call {
        var program = "ansible-inventory"
        let arguments: [String]
        let directory: String
    }

    struct Answer {
        let status: Int
        let output: String
        let errors: String

        /// The JSON of `--list`, without what names Ansible's own format.
        func list() throws -> JSON {
            let json = try JSON(parsing: output)
            var members = try #require(json.object)
            var meta = try #require(members["_meta"]?.object)
            meta["profile"] = nil
            members["_meta"] = .object(meta)
            return .object(members)
        }

        /// The hosts of `--list-hosts`.
        var hosts: [String] {
            output.split(separator: "\n").dropFirst().map { String($0.drop { $0 == " " }) }
        }
    }

    /// Runs all calls in one Python process.
    static func run(_ calls: [Call]) throws -> [Answer] {
        let input = JSON.array(
            calls.map {
                [
                    "program": .string($0.program), "arguments": .strings($0.arguments),
                    "directory": .string($0.directory),
                ]
            })
        let result = try ProcessRunner.run(
            ProgramCall(
                Repository.pythonProgram("python3"),
                ["\(Repository.root)/Tests/Reference/run_ansible.py"],
                input: input.canonicalBytes, timeoutSeconds: 280, outputLimit: 256 << 20))
        try #require(result.succeeded, "\(result.endText): \(result.errorText)")
        let answers = try #require(try JSON(parsing: result.output).array)
        return answers.map {
            Answer(
                status: $0["status"]?.integer ?? -1, output: $0["output"]?.string ?? "",
                errors: $0["errors"]?.string ?? "")
        }
    }

    /// What differs between two JSON values, as paths; nothing where they are equal.
    static func differences(_ ours: JSON?, _ theirs: JSON?, at path: String = "") -> [String] {
        if case .object(let left)? = ours, case .object(let right)? = theirs {
            return Set(left.keys).union(right.keys).sorted().flatMap {
                differences(left[$0], right[$0], at: "\(path).\($0)")
            }
        }
        if ours == theirs { return [] }
        let left = ours?.canonicalText ?? "nothing"
        let right = theirs?.canonicalText ?? "nothing"
        return ["\(path): muster \(left), Ansible \(right)"]
    }
}
