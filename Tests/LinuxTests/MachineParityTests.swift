import Glibc
import Linux
import TestSupport
import Testing

/// The machine that tests fake answers as the real one does: the same calls, one after another, on
/// both.
///
/// Needs root.
@Suite struct MachineParityTests {
    private typealias Step = (name: String, body: (any Machine) throws(SystemError) -> String)

    private static func step(
        _ name: String, _ body: @escaping (any Machine) throws(SystemError) -> String
    ) -> Step {
        (name, body)
    }

    private static func write(
        _ name: String, _ body: @escaping (any Machine) throws(SystemError) -> Void
    ) -> Step {
        (
            name,
            { (machine) throws(SystemError) in
                try body(machine)
                return "done"
            }
        )
    }

    private static func shown(_ status: FileStatus) -> String {
        let size = status.type == .file ? " \(status.size)" : ""
        return
            "\(status.type.rawValue) \(String(status.mode, radix: 8)) \(status.uid):\(status.gid)"
            + size
    }

    private static var reads: [Step] {
        ["/", "/d", "/d/f", "/nope", "/d/f/x", "/l", "/l/f", "/loop", "/loop/x", "/d/dangling"]
            .flatMap { path in
                [false, true].map { follows in
                    step("status \(path) \(follows)") { (machine) throws(SystemError) in
                        shown(try machine.status(path, followLinks: follows))
                    }
                }
            }
            + ["/d/f", "/d", "/l/f", "/d/k", "/d/dangling", "/nope/x", "/loop"].map { path in
                step("read \(path)") { (machine) throws(SystemError) in
                    String(decoding: try machine.read(path, limit: 100), as: UTF8.self)
                }
            }
            + ["/l", "/d/f", "/nope"].map { path in
                step("linkTarget \(path)") { (machine) throws(SystemError) in
                    try machine.linkTarget(path)
                }
            }
            + ["/", "/d", "/l", "/d/f", "/nope"].map { path in
                step("list \(path)") { (machine) throws(SystemError) in
                    try machine.list(path).joined(separator: " ")
                }
            }
            + [
                step("read too much") { (machine) throws(SystemError) in
                    String(decoding: try machine.read("/d/f", limit: 2), as: UTF8.self)
                },
                step("read in pieces") { (machine) throws(SystemError) in
                    var all: [UInt8] = []
                    try machine.read("/d/k") { all += $0 }
                    return String(decoding: all, as: UTF8.self)
                },
            ]
    }

    private static var writes: [Step] {
        ["/d/new", "/nope/x", "/d/f/x", "/d", "/d/k", "/l/through"].map { path in
            write("replaceFile \(path)") { (machine) throws(SystemError) in
                try machine.replaceFile(
                    path, content: Array(path.utf8), mode: 0o4750, uid: 7, gid: 8)
            }
        }
            + ["/d/f", "/nope", "/d", "/l/f"].map { path in
                write("writeInPlace \(path)") { (machine) throws(SystemError) in
                    try machine.writeInPlace(path, Array("in place".utf8))
                }
            }
            + ["/e", "/e", "/nope/x", "/d/f", "/l/sub"].map { path in
                write("makeDirectory \(path)") { (machine) throws(SystemError) in
                    try machine.makeDirectory(path, mode: 0o2750, uid: 7, gid: 8)
                }
            }
            + ["/l", "/d/f2", "/d", "/nope/x"].map { path in
                write("replaceLink \(path)") { (machine) throws(SystemError) in
                    try machine.replaceLink(path, target: "d/f")
                }
            }
            + ["/d/new", "/d", "/l", "/nope"].map { path in
                write("setMode \(path)") { (machine) throws(SystemError) in
                    try machine.setMode(path, 0o6711)
                }
            }
            + ["/d/new", "/d", "/l", "/nope"].map { path in
                write("setOwner \(path)") { (machine) throws(SystemError) in
                    try machine.setOwner(path, uid: 3, gid: 4)
                }
            }
            + [
                ("/d/new", "/e/moved"), ("/nope", "/x"), ("/e", "/d"), ("/e", "/e2"),
                ("/e2", "/d/f"),
                ("/d/f", "/e2"), ("/l", "/l3"),
            ].map { from, to in
                write("rename \(from) \(to)") { (machine) throws(SystemError) in
                    try machine.rename(from, to: to)
                }
            }
            + ["/d/f", "/d", "/nope", "/l3", "/e2/moved", "/e2"].map { path in
                write("remove \(path)") { (machine) throws(SystemError) in try machine.remove(path)
                }
            }
    }

    private static func outcome(of step: Step, on machine: any Machine) -> String {
        do throws(SystemError) {
            return try step.body(machine)
        } catch {
            return "error: \(error.reason)"
        }
    }

    /// Every path with its status and content.
    private static func dump(_ machine: any Machine, _ path: String = "/") throws -> [String] {
        var lines: [String] = []
        for name in try machine.list(path) {
            let full = PathName.join(path, name)
            let status = try machine.status(full, followLinks: false)
            switch status.type {
            case .directory: lines += ["\(full) \(shown(status))"] + (try dump(machine, full))
            case .symlink: lines.append("\(full) -> \(try machine.linkTarget(full))")
            default:
                let text = String(decoding: try machine.read(full, limit: 1000), as: UTF8.self)
                lines.append("\(full) \(shown(status)) \(text)")
            }
        }
        return lines
    }

    @Test func theFakeAnswersAsTheRealMachine() throws {
        let folder = try TemporaryDirectory()
        chmod(folder.path, 0o755)
        let real = LocalMachine(root: folder.path)
        try real.makeDirectory("/d", mode: 0o755, uid: 0, gid: 0)
        try real.replaceFile("/d/f", content: Array("text".utf8), mode: 0o640, uid: 0, gid: 4)
        let fake = FakeMachine()
        fake.take("/dev")
        fake.put("/d", .directory)
        fake.put("/d/f", .file(Array("text".utf8)), mode: 0o640, gid: 4)
        for (path, target) in [
            ("/l", "d"), ("/d/k", "f"), ("/loop", "loop"), ("/d/dangling", "none"),
        ] {
            try real.replaceLink(path, target: target)
            fake.put(path, .link(target))
        }
        for step in MachineParityTests.reads + MachineParityTests.writes {
            let expected = MachineParityTests.outcome(of: step, on: real)
            #expect(MachineParityTests.outcome(of: step, on: fake) == expected, "\(step.name)")
        }
        #expect(try MachineParityTests.dump(fake) == (try MachineParityTests.dump(real)))
    }
}
