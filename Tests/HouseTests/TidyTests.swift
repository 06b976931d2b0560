import Linux
import Testing

/// What a reviewer would say of any change, said by the tests.
@Suite struct TidyTests {
    private static let banned: [(text: String, instead: String)] = [
        ("try" + "!", "handle the error"), ("as" + "! ", "use as? and handle nil"),
        ("fatal" + "Error(", "report a fault; a plan that travelled must never trap"),
        ("TO" + "DO", "do it, or say in ARCHITECTURE.md that it is left"),
        ("FIX" + "ME", "fix it"), ("@unchecked" + " Sendable", "use Mutex, or ~Copyable ownership"),
        ("print" + "(", "only Commands writes, through its Output"),
        ("nonisolated(" + "unsafe)", "no global mutable state"),
    ]

    @Test func nothingBannedIsInTheSources() throws {
        for file in try Repository.files(below: "Sources", ending: ".swift") {
            for (index, line) in try Repository.lines(file).enumerated() {
                let code = line.split(separator: "//", maxSplits: 1).first ?? ""
                for (text, instead) in Self.banned where code.contains(text) {
                    // A comment on the line above that begins with "Allowed:" gives the reason.
                    let above = index > 0 ? try Repository.lines(file)[index - 1] : ""
                    if above.contains("// Allowed:") { continue }
                    Issue.record("\(file):\(index + 1): \(text): \(instead)")
                }
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

    /// Everything other modules use says what it is.
    @Test func whatIsPackageIsDocumented() throws {
        let words = ["struct", "enum", "class", "protocol", "actor", "func", "typealias"]
        for file in try Repository.files(below: "Sources", ending: ".swift") {
            let lines = try Repository.lines(file)
            for (index, line) in lines.enumerated() {
                let parts = line.split(separator: " ")
                guard parts.first == "package", parts.contains(where: { words.contains(String($0)) }),
                    !line.contains("init("), !line.contains("func encode("),
                    !line.contains("static func =="), !line.contains("static func <"),
                    !line.contains("func hash(into")
                else { continue }
                var above = index - 1
                while above >= 0, lines[above].drop(while: { $0 == " " }).hasPrefix("@") { above -= 1 }
                let previous = above >= 0 ? lines[above].drop { $0 == " " } : ""
                // Small accessors of readers explain themselves by their neighbours' comments.
                let isDocumented = previous.hasPrefix("///") || previous.hasPrefix("}")
                    || line.contains("mutating func") || line.hasPrefix("        ")
                    || line.contains("func optional") || previous.hasPrefix("package")
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
