import Glibc
import Kinds
import Linux
import Resources
import TestSupport
import Testing

/// Our reading of sysctl.d against the real systemd-sysctl, on files made from a seed.
///
/// The program runs in a mount and a network namespace of its own, on keys of that network
/// namespace, so that nothing outside is touched. Needs root, systemd and iproute2.
@Suite(.timeLimit(.minutes(2))) struct SystemdSysctlTests {
    private static let keys = [
        "net/ipv4/tcp_keepalive_time", "net/ipv4/tcp_keepalive_probes",
        "net/ipv4/tcp_keepalive_intvl", "net/ipv4/tcp_fin_timeout", "net/ipv4/conf/x0/medium_id",
        "net/ipv4/conf/x1.5/medium_id", "net/ipv4/conf/x0/tag", "net/ipv4/conf/x1.5/tag",
    ]
    /// As files write them; none takes in `default`, which the kernel copies to other interfaces.
    private static let names = [
        "net.ipv4.tcp_keepalive_time", "net/ipv4/tcp_keepalive_time",
        "net.ipv4.tcp_keepalive_probes",
        "net//ipv4/./tcp_keepalive_intvl", "/net/ipv4/tcp_fin_timeout",
        "net.ipv4.conf.x0.medium_id",
        "net.ipv4.conf.x1/5.medium_id", "net/ipv4/conf/x1.5/tag", "net.ipv4.conf.x0.tag",
    ]
    private static let patterns = [
        "net.ipv4.tcp_keepalive_*", "net/ipv4/tcp_*time", "net.ipv4.conf.x*.medium_id",
        "net.ipv4.conf.x?.tag", "net/ipv4/conf/x[01]*/tag", "net/ipv4/conf/x{0,1}*/medium_id",
        "net.ipv4.conf.{x0,x1/5,none}*.tag", "net/ipv4/*/x0/tag",
    ]
    private static let directories = [
        "etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d",
    ]

    @Test(arguments: 1...60)
    func agreesWithTheProgram(_ seed: Int) throws {
        let root = try TemporaryDirectory()
        var random = Seeded(state: UInt64(seed))
        try SystemdSysctlTests.fill(root, &random)

        try compare(root)
    }

    /// What seeds seldom hit: files by name, each a list of lines.
    private static let byHand: [[String: [String]]] = [
        // The same pattern with the same value keeps its place, so the one between wins.
        [
            "etc/sysctl.d/10.conf": ["net/ipv4/conf/x[01]*/tag = 1"],
            "etc/sysctl.d/20.conf": ["net.ipv4.conf.x?.tag = 2"],
            "etc/sysctl.d/30.conf": ["net/ipv4/conf/x[01]*/tag = 1"],
        ],
        // With another value it moves to the end.
        [
            "etc/sysctl.d/10.conf": ["net/ipv4/conf/x[01]*/tag = 1"],
            "etc/sysctl.d/20.conf": ["net.ipv4.conf.x?.tag = 2"],
            "etc/sysctl.d/30.conf": ["net/ipv4/conf/x[01]*/tag = 3"],
        ],
        // An exclusion takes back a line, and a later line the exclusion.
        [
            "etc/sysctl.d/10.conf": ["net.ipv4.conf.x0.tag = 1", "net.ipv4.tcp_fin_timeout = 4"],
            "etc/sysctl.d/20.conf": ["-net.ipv4.conf.x0.tag", "-net.ipv4.tcp_fin_timeout"],
            "etc/sysctl.d/30.conf": ["net.ipv4.tcp_fin_timeout = 5", "net.ipv4.conf.x*.tag = 6"],
        ],
        // An excluded pattern takes back that pattern only.
        [
            "etc/sysctl.d/10.conf": ["net.ipv4.conf.x*.tag = 1", "net.ipv4.conf.x?.tag = 2"],
            "etc/sysctl.d/20.conf": ["-net.ipv4.conf.x*.tag"],
        ],
        // A file of another directory's name hides that one, whichever is read when.
        [
            "usr/lib/sysctl.d/50.conf": ["net.ipv4.tcp_fin_timeout = 1"],
            "usr/local/lib/sysctl.d/50.conf": ["net.ipv4.tcp_fin_timeout = 2"],
            "run/sysctl.d/50.conf": ["net.ipv4.tcp_keepalive_time = 3"],
            "usr/lib/sysctl.d/60.conf": ["net.ipv4.tcp_keepalive_probes = 4"],
        ],
    ]

    @Test(arguments: byHand.indices)
    func agreesWithTheProgramByHand(_ index: Int) throws {
        let root = try TemporaryDirectory()
        try SystemdSysctlTests.makeDirectories(root)
        for (path, lines) in SystemdSysctlTests.byHand[index] {
            try root.write(path, lines.joined(separator: "\n") + "\n")
        }
        try compare(root)
    }

    private func compare(_ root: TemporaryDirectory) throws {
        let files = try SysctlFiles(on: LocalMachine(root: root.path))
        let expected = SystemdSysctlTests.keys.map { files.effective(SysctlKey($0))?.value ?? "77" }
        let result = try ProcessRunner.run(
            ProgramCall(
                "/usr/bin/unshare",
                ["--mount", "--net", "/bin/sh", "-euc", SystemdSysctlTests.script, "sh", root.path]
                    + SystemdSysctlTests.keys))
        #expect(result.succeeded, "\(result.errorText)")
        let found = result.outputText.split(separator: "\n").map(String.init)
        #expect(found == expected, "\(SystemdSysctlTests.described(files))")
    }

    @Test(arguments: 1...20)
    func readsTheFilesInTheSameOrder(_ seed: Int) throws {
        let root = try TemporaryDirectory()
        var random = Seeded(state: UInt64(seed))
        try SystemdSysctlTests.fill(root, &random)
        let result = try ProcessRunner.run(
            ProgramCall(
                "/usr/bin/systemd-analyze",
                ["cat-config", "--no-pager", "--root=\(root.path)", "sysctl.d"]))
        #expect(result.succeeded, "\(result.errorText)")
        let shown = result.outputText.split(separator: "\n").filter { $0.hasPrefix("# /") }
            .map { String($0.dropFirst(2)) }
        let ours = try SysctlFiles(on: LocalMachine(root: root.path)).files.map(\.path)
        #expect(shown.map { $0.replacingPrefix(root.path) } == ours)
    }

    /// Makes the machine's directories those below `$1`, runs the program, prints each key's value.
    private static let script = """
        root=$1; shift
        mount -t tmpfs tmpfs /run
        mount -t tmpfs tmpfs /usr/local
        mkdir -p /run/sysctl.d /usr/local/lib/sysctl.d
        cp -a "$root/run/." /run/
        cp -a "$root/usr/local/." /usr/local/
        mount --bind "$root/usr/lib/sysctl.d" /usr/lib/sysctl.d
        ip link add x0 type veth peer name x1.5
        mount --bind "$root/etc" /etc
        for key; do echo 77 > "/proc/sys/$key"; done
        # A line that is no assignment makes it exit 1, after the others were set.
        /usr/lib/systemd/systemd-sysctl || test $? = 1
        for key; do cat "/proc/sys/$key"; done
        """

    // MARK: Files from a seed

    private static func fill(_ root: TemporaryDirectory, _ random: inout Seeded) throws {
        try makeDirectories(root)
        let machine = LocalMachine(root: root.path)
        if random.below(2) == 0 {
            try root.write("etc/sysctl.conf", text(&random))
            try machine.replaceLink("/etc/sysctl.d/99-sysctl.conf", target: "../sysctl.conf")
        }
        for _ in 0..<(2 + random.below(7)) {
            let directory = directories[random.below(directories.count)]
            let names = [
                "10-a.conf", "50-b.conf", "9-c.conf", "B.conf", "b.conf", ".d.conf", "e.txt",
            ]
            let name = names[random.below(names.count)]
            if random.below(8) == 0 {
                try machine.replaceLink("/\(directory)/\(name)", target: "/dev/null")
            } else if try machine.statusIfPresent("/\(directory)/\(name)") == nil {
                try root.write("\(directory)/\(name)", text(&random))
            }
        }
    }

    private static func makeDirectories(_ root: TemporaryDirectory) throws {
        let machine = LocalMachine(root: root.path)
        for directory in directories {
            var path = ""
            for part in directory.split(separator: "/") {
                path += "/\(part)"
                if try machine.statusIfPresent(path) == nil {
                    try machine.makeDirectory(path, mode: 0o755, uid: 0, gid: 0)
                }
            }
        }
    }

    private static func text(_ random: inout Seeded) -> String {
        (0..<(1 + random.below(5))).map { _ in line(&random) }.joined(separator: "\n") + "\n"
    }

    private static func line(_ random: inout Seeded) -> String {
        let isPattern = random.below(3) == 0
        let pool = isPattern ? patterns : names
        let name = pool[random.below(pool.count)]
        let value = 1 + random.below(4)
        switch random.below(12) {
        case 0: return "# \(name) = \(value)"
        case 1: return "; \(name) = \(value)"
        case 2: return "-\(name)"
        case 3: return "- \(name) = \(value)"
        case 4: return name
        case 5: return "  \(name)=\(value)  "
        default: return "\(name) = \(value)"
        }
    }

    private static func described(_ files: SysctlFiles) -> String {
        files.files.map { "== \($0.path)\n\($0.text)" }.joined(separator: "\n")
    }
}

/// Steele, Lea and Flood's SplitMix64: the same numbers for the same seed, everywhere.
private struct Seeded {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
    }
}
