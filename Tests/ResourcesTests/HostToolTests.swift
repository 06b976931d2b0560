import Kinds
import Linux
import Resources
import TestSupport
import Testing
import Wire

/// What we read and compute ourselves, against the programs whose it is.
///
/// Needs root.
@Suite(.timeLimit(.minutes(2))) struct HostToolTests {
    private let machine = LocalMachine()

    private func run(_ program: String, _ arguments: [String]) throws -> ProgramResult {
        try ProcessRunner.run(ProgramCall(program, arguments))
    }

    private static let versions = [
        "1.0", "1.0-1", "1.0-1~", "1.0-1~bpo12+1", "1.0-1+b1", "1:0.1", "0:1.0", "1.0.0", "1.00",
        "1.0a", "1.0~rc1", "1.0~rc1-2", "1.0+git1", "1.0-1.1", "1.0-a", "10", "9", "09", "1.0-0",
        "2:9.2.0.43", "9.2.0.43", "6.1.148-1", "6.1.1480-1", "1.2-3-4", "1.2-3", "~", "1~~", "1~~a",
        "1.0Z", "1.0a.b", "1.0a-b", "1.0+", "1.0.+", "7ubuntu1",
    ]

    @Test func versionsAreOrderedAsDpkgOrdersThem() throws {
        var generator = SeededGenerator(seed: 7)
        var pairs: [(String, String)] = []
        for (index, left) in HostToolTests.versions.enumerated() {
            for right in HostToolTests.versions[index...] { pairs.append((left, right)) }
        }
        let characters = Array("0019aZ.+~-")
        for _ in 0..<200 {
            func version() -> String {
                let text = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                    characters[Int.random(in: 0..<characters.count, using: &generator)]
                }
                // dpkg takes no version whose revision is empty.
                return "1" + String(text) + (text.last == "-" ? "0" : "")
            }
            pairs.append((version(), version()))
        }
        for (left, right) in pairs {
            let isOlder = try run("/usr/bin/dpkg", ["--compare-versions", left, "lt", right])
            let isNewer = try run("/usr/bin/dpkg", ["--compare-versions", left, "gt", right])
            let ours = DebianVersion.compare(left, right)
            #expect((ours < 0) == isOlder.succeeded, "\(left) and \(right)")
            #expect((ours > 0) == isNewer.succeeded, "\(left) and \(right)")
            #expect(DebianVersion.compare(right, left).signum() == -ours.signum())
        }
    }

    @Test func theDatabaseIsReadAsDpkgReadsIt() throws {
        let format =
            "${Package}:${Architecture}\t${Version}\t${db:Status-Want} "
            + "${db:Status-Eflag} ${db:Status-Status}\n"
        let lines = try run("/usr/bin/dpkg-query", ["--show", "--showformat=\(format)"]).outputText
            .split(separator: "\n")
        #expect(lines.count > 100)
        let names = lines.compactMap { $0.split(separator: "\t").first.map(String.init) }
        let database = try DpkgDatabase(of: names, on: machine)
        for line in lines {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            let entry = database.entry(String(fields[0]))
            #expect(entry?.version ?? "" == String(fields[1]))
            let status = entry.map { "\($0.want) \($0.errorFlag) \($0.status)" }
            #expect(status == String(fields[2]))
        }
    }

    @Test(arguments: [["-t", "ed25519"], ["-t", "rsa", "-b", "2048"], ["-t", "ecdsa"]])
    func fingerprintsAreThoseOfSSHKeygen(_ type: [String]) throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("key")
        let made = try run(
            "/usr/bin/ssh-keygen", ["-q", "-N", "", "-C", "who ever", "-f", path] + type)
        try #require(made.succeeded)
        let text = String(decoding: try machine.read(path + ".pub", limit: 9999), as: UTF8.self)
        let key = try PublicKey(String(text.dropLast()))
        #expect(key.comment == "who ever")
        let shown = try run("/usr/bin/ssh-keygen", ["-l", "-f", path + ".pub"]).outputText
        #expect(shown.split(separator: " ").dropFirst().first.map(String.init) == key.fingerprint)
    }

    // MARK: Keys of a user who may be hostile

    private static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1Oe6I1nl4UrhX8pDzqZrSDVpzlBKpL1kzl6Tt5BQhm a"

    /// A directory of nobody's, below one that it may pass through.
    private func directoryOfNobody(_ folder: borrowing TemporaryDirectory) throws -> String {
        try machine.setMode(folder.path, 0o755)
        let path = folder.path("keys")
        try machine.makeDirectory(path, mode: 0o700, uid: 65534, gid: 65534)
        return path
    }

    private func keyOfNobody(_ path: String) throws -> BehaviourRun<AuthorizedKeyBehaviour> {
        try BehaviourRun(
            AuthorizedKeyBehaviour.self, "a",
            ["owner": "nobody", "key": .string(HostToolTests.key), "path": .string(path)],
            on: machine)
    }

    @Test func aKeyIsWrittenWithTheRightsOfItsOwner() throws {
        let folder = try TemporaryDirectory()
        let path = "\(try directoryOfNobody(folder))/authorized_keys"
        let run = try keyOfNobody(path)
        try run.apply()
        #expect(try run.difference() == .asDeclared("in \(path)"))
        let status = try machine.status(path, followLinks: false)
        #expect(status.uid == 65534 && status.mode == 0o600)
        #expect(try machine.textIfPresent(path) == HostToolTests.key + "\n")
        #expect(try machine.list(PathName.parent(of: path)) == ["authorized_keys"])
    }

    /// The directory is swapped for a link to one of root's: nothing gets there.
    @Test func aLinkLeadsNobodyAstray() throws {
        let folder = try TemporaryDirectory()
        let target = folder.path("roots")
        try machine.makeDirectory(target, mode: 0o755, uid: 0, gid: 0)
        try machine.replaceLink(
            "\(try directoryOfNobody(folder))/sub", target: target)
        let run = try keyOfNobody(folder.path("keys/sub/authorized_keys"))
        #expect(run.faultOfApply()?.contains("Permission denied") == true)
        #expect(try machine.list(target) == [])
    }

    @Test func directoriesOfRootAloneAreWrittenByRoot() throws {
        let path = "/etc/muster-test-keys-\(UInt32.random(in: .min ... .max))"
        try machine.makeDirectory(path, mode: 0o755, uid: 0, gid: 0)
        defer {
            try? machine.remove(path + "/nobody")
            try? machine.remove(path)
        }
        try keyOfNobody(path + "/nobody").apply()
        let status = try machine.status(path + "/nobody", followLinks: false)
        #expect(status.uid == 65534 && status.mode == 0o600)
    }
}

@Suite struct AuthorizedKeysFileTests {
    private static let blob = "AAAAC3NzaC1lZDI1NTE5AAAAIN1Oe6I1nl4UrhX8pDzqZrSDVpzlBKpL1kzl6Tt5BQhm"

    @Test(arguments: [
        ("ssh-ed25519 B", [String](), String?.none), ("ssh-ed25519 B  a  b ", [], "a  b"),
        ("\t ssh-ed25519   B a", [], "a"), ("restrict ssh-ed25519 B a", ["restrict"], "a"),
        (
            "command=\"a, \\\"b\\\" c\",no-pty ssh-ed25519 B",
            ["command=\"a, \\\"b\\\" c\"", "no-pty"], nil
        ),
        ("from=\"*.x\",restrict\tssh-ed25519 B x", ["from=\"*.x\"", "restrict"], "x"),
    ])
    func keyLines(_ line: String, _ options: [String], _ comment: String?) {
        let text = line.replacing("B", with: AuthorizedKeysFileTests.blob, maxReplacements: 1)
        let file = AuthorizedKeysFile(text + "\n")
        #expect(file.keys.count == 1)
        #expect(file.keys.first?.options == options)
        #expect(file.keys.first?.comment == comment)
        #expect(file.text == text + "\n")
    }

    @Test(arguments: [
        "", "# ssh-ed25519 B", "ssh-ed25519", "command=\"a ssh-ed25519 B", "nonsense", "a b c",
        "ssh-rsa B",
    ])
    func otherLines(_ line: String) {
        let text = line.replacing("B", with: AuthorizedKeysFileTests.blob)
        let file = AuthorizedKeysFile(text + "\nend")
        #expect(file.keys.isEmpty)
        #expect(file.text == text + "\nend\n")
    }
}
