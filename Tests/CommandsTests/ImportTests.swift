import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// `muster import tuned`, on every profile that Debian 12's tuned 2.20 ships.
@Suite(.timeLimit(.minutes(5))) struct ImportTests {
    private static let root = "\(Repository.root)/.cache/tuned"
    private static let golden = Repository.fixtures("Tuned/profiles.txt")

    private func muster(_ arguments: [String], in directory: String) throws -> ProgramResult {
        let environment =
            ProgramCall.plainEnvironment.filter { !$0.hasPrefix("HOME=") } + ["HOME=\(directory)"]
        return try ProcessRunner.run(
            ProgramCall(
                BuiltProgram.muster, arguments, environment: environment, directory: directory,
                timeoutSeconds: 120))
    }

    private func write(_ text: String, _ path: String) throws {
        let machine = LocalMachine()
        let parent = PathName.parent(of: path)
        if try machine.statusIfPresent(parent) == nil {
            try machine.makeDirectory(parent, mode: 0o755, uid: getuid(), gid: getgid())
        }
        try machine.replaceFile(
            path, content: Array(text.utf8), mode: 0o644, uid: getuid(), gid: getgid())
    }

    private var profiles: [String] {
        get throws {
            let machine = LocalMachine()
            let folder = "\(Self.root)/usr/lib/tuned"
            return try machine.list(folder).filter {
                try machine.statusIfPresent("\(folder)/\($0)/tuned.conf") != nil
            }
        }
    }

    /// Each becomes a role that compiles; what it is, what is noted and what is refused is as recorded.
    @Test func everyShippedProfileIsARole() throws {
        try withTemporaryDirectory { directory in
            #expect(try muster(["init", "fleet"], in: directory).succeeded)
            let fleet = directory + "/fleet"
            let names = try profiles
            #expect(names.count > 30, "the profiles of tuned are not in \(Self.root)")
            var report = ""
            var hosts = "all:\n  hosts:\n"
            var site = ""
            for name in names {
                let arguments = ["import", "tuned", name, "--root", Self.root]
                let shown = try muster(arguments + ["--partial", "--format", "json"], in: fleet)
                #expect(shown.succeeded, "\(name): \(shown.errorText)")
                let json = try JSON(parsing: shown.output)
                report += "## \(name)\n\(json["text"]?.string ?? "")\(shown.errorText)\n"
                let isWhole = (json["refused"]?.array ?? []).isEmpty
                let whole = try muster(arguments, in: fleet)
                #expect(whole.end == .exited(isWhole ? 0 : 5), "\(name)")
                #expect(whole.outputText.isEmpty != isWhole, "\(name) printed a part of it")
                let written = try muster(arguments + ["--partial", "--write"], in: fleet)
                #expect(written.succeeded, "\(name): \(written.errorText)")
                let role = json["role"]?.string ?? ""
                hosts += "    \(name):\n"
                let needsCores = json["text"]?.string?.contains("isolated_cores:") == true
                site += "- hosts: \(name)\n  roles:\n    - role: \(role)\n"
                if needsCores { site += "      isolated_cores: 2-3\n" }
            }
            try write(hosts, "\(fleet)/Inventory/hosts.yaml")
            try write(site, "\(fleet)/Inventory/site.yaml")
            let valid = try muster(["validate"], in: fleet)
            #expect(valid.succeeded, "\(valid.errorText)")
            try compare(report)
        }
    }

    private func compare(_ report: String) throws {
        if getenv("MUSTER_RECORD") != nil { return try write(report, Self.golden) }
        let expected = try LocalMachine().textIfPresent(Self.golden) ?? ""
        let found = report.split(separator: "\n", omittingEmptySubsequences: false)
        let wanted = expected.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(found.count == wanted.count)
        for (index, (left, right)) in zip(found, wanted).enumerated() where left != right {
            Issue.record("line \(index + 1) is \(left), not \(right)")
            return
        }
    }

    @Test func aProfileOfOnesOwnIsReadWithWhatItIncludes() throws {
        try withTemporaryDirectory { directory in
            let base = """
                [main]
                summary=Base
                [variables]
                cores=2-3
                [sysctl]
                vm.dirty_ratio=40
                vm.swappiness=10
                kernel.numa_balancing = 0
                [vm]
                transparent_hugepages=never
                """
            let own = """
                [main]
                include=base
                [variables]
                cores=${cores}
                pages="${left_out}"
                [sysctl]
                vm.swappiness=1
                vm.nr_hugepages=${pages}
                vm.dirty_bytes=4194304
                fs.aio-max-nr=>1048576
                [vm]
                replace=1
                [sysfs]
                /sys/devices/virtual/workqueue/cpumask=03
                [irqbalance]
                banned_cpus=${f:cpulist_unpack:${cores}}
                [bootloader]
                cmdline_own=+nohz_full=${cores} -quiet
                [off]
                type=sysctl
                enabled=false
                vm.swappiness=99
                """
            for folder in ["etc", "etc/tuned", "etc/tuned/base", "etc/tuned/own"] {
                try LocalMachine().makeDirectory(
                    "\(directory)/\(folder)", mode: 0o755, uid: getuid(), gid: getgid())
            }
            try write(base + "\n", directory + "/etc/tuned/base/tuned.conf")
            try write(own + "\n", directory + "/etc/tuned/own/tuned.conf")
            let result = try muster(
                ["import", "tuned", "own", "--root", directory, "--partial", "--role", "r"],
                in: directory)
            #expect(
                result.outputText == """
                    # From the tuned profile own, with base.
                    description: "Base"
                    parameters:
                      left_out: {type: string}
                    resources:
                      - sysctl: "vm.swappiness"
                        value: "1"
                      - sysctl: "kernel.numa_balancing"
                        value: "0"
                      - sysctl: "vm.nr_hugepages"
                        value: "{{ left_out }}"
                      - sysctl: "vm.dirty_bytes"
                        value: "4194304"
                      - workqueue: "unbound"
                        cpus: "0-1"
                      - irqbalance: "system"
                        banned_cpus: "2-3"
                      - kernel_cmdline: "r"
                        parameters: ["nohz_full=2-3", "-quiet"]

                    """)
            #expect(
                result.errorText
                    == "/etc/tuned/own/tuned.conf:9: note: vm.dirty_bytes=4194304: it replaces "
                    + "vm.dirty_ratio, which the kernel then sets to 0\n"
                    + "/etc/tuned/own/tuned.conf:10: refused: fs.aio-max-nr=>1048576: tuned sets it "
                    + "only if the host's value is lower (>) or higher (<)\n"
                    + "  hint: declare the value itself\n"
            )
        }
    }

    @Test func whatCannotBeReadIsSaid() throws {
        try withTemporaryDirectory { directory in
            let missing = try muster(
                ["import", "tuned", "nowhere", "--root", directory], in: directory)
            #expect(missing.end == .exited(65))
            #expect(
                missing.errorText.contains(
                    "there is no tuned.conf in /etc/tuned/nowhere and /usr/lib/tuned/nowhere"),
                "\(missing.errorText)")
            let other = try muster(["import", "salt", "x"], in: directory)
            #expect(other.end == .exited(64) && other.errorText.contains("cannot import from salt"))
            try write("[main]\ninclude=circle\n", directory + "/circle/tuned.conf")
            let circle = try muster(["import", "tuned", "./circle"], in: directory)
            #expect(circle.end == .exited(65), "\(circle.errorText)")
        }
    }
}
