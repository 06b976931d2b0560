import Linux
import TestSupport
import Testing

/// What a reviewer would say of any change, said by the tests.
@Suite struct TidyTests {
    private static let banned: [(text: String, instead: String)] = [
        ("try" + "!", "handle the error"), ("as" + "! ", "use as? and handle nil"),
        ("fatal" + "Error(", "report a fault; a plan that travelled must never trap"),
        ("TO" + "DO", "do it, or say in ARCHITECTURE.md that it is left"),
        ("FIX" + "ME", "fix it"), ("@unchecked" + " Sendable", "use Mutex, or ~Copyable ownership"),
        ("Swift.pri" + "nt(", "only Commands writes, through its Output"),
        ("nonisolated(" + "unsafe)", "no global mutable state"),
    ]

    /// A comment shortly above that begins with this gives the reason for an exception.
    private static let excuse = "Unchecked:"

    @Test func nothingBannedIsInTheSources() throws {
        for file in try Repository.files(below: "Sources", ending: ".swift") {
            let lines = try Repository.lines(file)
            for (index, line) in lines.enumerated() {
                let code = line.split(separator: "//", maxSplits: 1).first ?? ""
                for (text, instead) in Self.banned where code.contains(text) {
                    let above = lines[max(0, index - 8)...index]
                    if above.contains(where: { $0.contains(Self.excuse) }) { continue }
                    Issue.record("\(file):\(index + 1): \(text): \(instead)")
                }
            }
        }
    }

    /// In Swift CR LF is one Character: text of a host that is looked at character by character
    /// hides its line ends.
    @Test(arguments: ["Resources", "HostFacts", "AgentCore", "Linux", "Journal", "Kinds"])
    func linesAreSplitInOnePlace(module: String) throws {
        let traps = [
            #"separator: "\n""#, #"whereSeparator: \.isNewline"#, #"firstIndex(of: "\n")"#,
            #"lastIndex(of: "\n")"#, #"hasSuffix("\n")"#, #"contains("\n")"#,
        ]
        for file in try Repository.files(below: "Sources/" + module, ending: ".swift") {
            for (index, line) in try Repository.lines(file).enumerated() {
                // Searching is slow, and few lines name a line end at all.
                guard line.utf8.contains(UInt8(ascii: "\\")) else { continue }
                let code = line.split(separator: "//", maxSplits: 1).first ?? ""
                for trap in traps where code.contains(trap) && !code.contains("joined(" + trap) {
                    Issue.record(
                        "\(file):\(index + 1): use lines, rawLines or filledLines of Linux")
                }
            }
        }
    }

    /// Of a status alone, a failed test would not say why the program ended with it.
    @Test func failedRunsAreShown() throws {
        for file in try Repository.files(below: "Tests/LabTests", ending: ".swift") {
            for (index, line) in try Repository.lines(file).enumerated()
            where line.contains("#expect(try ") && line.contains(").status == ") {
                Issue.record("\(file):\(index + 1): use expect(…, endedWith:)")
            }
        }
    }

    @Test func filesAreSmall() throws {
        for folder in ["Sources", "Tests"] {
            for file in try Repository.files(below: folder, ending: ".swift") {
                let count = try Repository.lines(file).count
                #expect(count <= 500, "\(file) has \(count) lines; one concept each")
            }
        }
    }

    /// Everything at the top of a file that other modules use says what it is.
    @Test func whatIsPackageIsDocumented() throws {
        for file in try Repository.files(below: "Sources", ending: ".swift") {
            let lines = try Repository.lines(file)
            for (index, line) in lines.enumerated() where line.hasPrefix("package ") {
                var above = index - 1
                while above >= 0, lines[above].hasPrefix("@") { above -= 1 }
                let isDocumented = above >= 0 && lines[above].hasPrefix("///")
                #expect(isDocumented, "\(file):\(index + 1) has no doc comment: \(line)")
            }
        }
    }

    @Test func everyRoleHasAReadme() throws {
        let machine = LocalMachine()
        for role in try machine.list(PathName.join(Repository.root, "Roles")) {
            let path = PathName.join(Repository.root, "Roles/\(role)/README.md")
            #expect(try machine.statusIfPresent(path) != nil, "Roles/\(role) has no README.md")
        }
    }

    @Test func scriptsAreExecutableAndExplainThemselves() throws {
        let machine = LocalMachine()
        for name in try machine.list(PathName.join(Repository.root, "Scripts")) {
            let path = PathName.join(Repository.root, "Scripts/\(name)")
            let status = try machine.status(path, followLinks: false)
            guard status.type == .file, !name.contains(".") else { continue }
            #expect(status.mode & 0o111 == 0o111, "Scripts/\(name) is not executable")
            #expect(try Repository.text("Scripts/\(name)").contains("--help"), "Scripts/\(name)")
        }
    }
}
