import FleetModel
import Kinds
import Linux
import Resources
import TestSupport
import Testing
import Wire

/// `package` and `package_repository` by the real dnf and rpm.
@Suite(.timeLimit(.minutes(5))) struct DnfTests {
    typealias Package = BehaviourRun<PackageBehaviour>
    typealias Repository = BehaviourRun<PackageRepositoryBehaviour>

    private func package(
        _ host: InstallRoot, _ attributes: [String: JSON] = [:], name: String = "muster-demo",
        blobs: [[UInt8]] = []
    ) throws -> Package {
        try Package(PackageBehaviour.self, name, attributes, on: host, blobs: blobs)
    }

    private func repository(
        _ host: InstallRoot, _ attributes: [String: JSON] = [:], blobs: [[UInt8]] = []
    ) throws -> Repository {
        let all: [String: JSON] = [
            "format": "repo", "uris": [.string("file://\(host.repository)")],
        ].merging(attributes) { $1 }
        return try Repository(
            PackageRepositoryBehaviour.self, "demo", all, on: host, blobs: blobs)
    }

    /// A root whose repository has three versions.
    private func host() throws -> InstallRoot {
        let host = try InstallRoot()
        for version in ["1.0", "1.9", "1.10"] { try host.build(.init(version: version)) }
        try host.index()
        try repository(host, ["trusted": true]).apply()
        return host
    }

    @Test func aRepositoryIsDeclaredFetchedChangedAndRemoved() throws {
        let host = try InstallRoot()
        try host.build(.init())
        try host.index()
        let repository = try repository(host, ["trusted": true, "options": ["priority": "10"]])
        guard case .changes(let changes) = try repository.difference() else {
            Issue.record("nothing differs")
            return
        }
        #expect(
            changes.map(\.attribute) == [
                "state", "uris", "enabled", "gpgcheck", "options.name", "options.priority",
            ])
        try repository.apply()
        let fetched = Difference.asDeclared("same entry, its lists are there")
        #expect(try repository.difference() == fetched)
        // As dnf itself reads it.
        let seen = try host.run(ProgramCall("/usr/bin/dnf", ["-q", "repoinfo", "demo"])).outputText
        #expect(seen.contains("file://\(host.repository)"), "\(seen)")
        #expect(seen.contains("Repo-status        : enabled"), "\(seen)")

        // Written in another way, the same.
        let path = "/etc/yum.repos.d/demo.repo"
        let text = String(decoding: try host.read(path, limit: 9999), as: UTF8.self)
        try host.put(
            path,
            "# by hand\n"
                + text.replacing("enabled=1", with: "enabled = true")
                .replacing("baseurl=", with: "baseurl =\n   "))
        #expect(try repository.difference() == fetched)
        try host.put(path, text.replacing("gpgcheck=0", with: "gpgcheck=1"))
        guard case .changes(let drift) = try repository.difference() else {
            Issue.record("the drift was not seen")
            return
        }
        #expect(drift == [Change("gpgcheck", before: "1", after: "0")])
        try repository.apply()

        let elsewhere = try self.repository(
            host, ["trusted": true, "uris": [.string("file://\(host.repository)/none")]])
        let fault = elsewhere.faultOfApply() ?? ""
        #expect(
            fault.contains("cannot fetch the metadata of the repository demo: dnf exited"),
            "\(fault)")
        try self.repository(host, ["state": "absent"]).apply()
        #expect(try host.statusIfPresent(path) == nil)
    }

    @Test func aPackageIsInstalledHeldUpgradedAndRemoved() throws {
        let host = try host()
        let first = try package(host, ["version": "1.9-1", "hold": true])
        try first.apply()
        #expect(try host.installed("muster-demo") == "muster-demo-1.9-1.noarch")
        #expect(try first.difference() == .asDeclared("1.9-1 is installed, held"))
        // dnf keeps to the lock that was written.
        _ = try host.run(ProgramCall("/usr/bin/dnf", ["-y", "-q", "upgrade"]))
        #expect(try host.installed("muster-demo") == "muster-demo-1.9-1.noarch")

        let held = try package(host, ["version": "1.10-1"])
        #expect(
            try held.difference().fault
                == "cannot make package muster-demo present: muster-demo is held at 1.9-1")
        let upgrade = try package(host, ["version": "1.10-1", "hold": true])
        try upgrade.apply()
        #expect(try host.installed("muster-demo") == "muster-demo-1.10-1.noarch")
        #expect(try upgrade.difference() == .asDeclared("1.10-1 is installed, held"))
        #expect(
            String(
                decoding: try host.read("/etc/dnf/plugins/versionlock.list", limit: 99),
                as: UTF8.self) == "muster-demo-0:1.10-1.*\n")

        let older = try package(host, ["version": "1.0-1", "hold": false])
        #expect(
            try older.difference().fault
                == "cannot make package muster-demo present: 1.10-1 is installed, but 1.0-1 is older"
        )
        try package(host, ["version": "1.0-1", "hold": false, "allow_downgrade": true]).apply()
        #expect(try host.installed("muster-demo") == "muster-demo-1.0-1.noarch")
        #expect(try package(host).difference() == .asDeclared("1.0-1 is installed"))

        let gone = try package(host, ["state": "absent"])
        try gone.apply()
        #expect(try gone.difference() == .asDeclared("not installed"))
        #expect(try host.installed("muster-demo") == "package muster-demo is not installed")
    }

    @Test func whatARepositoryLacksIsSaid() throws {
        let host = try host()
        #expect(
            try package(host, ["version": "3.0-1"]).faultOfApply()
                == "cannot install muster-demo 3.0-1: no repository of the host has version 3.0-1; "
                + "they have 1.10-1, 1.9-1, 1.0-1")
        #expect(
            try package(host, name: "nowhere").faultOfApply()
                == "cannot install nowhere: no repository of the host has a package nowhere")
        // One that came since is found, by asking once more.
        try host.build(.init(version: "3.0"))
        try host.index()
        try package(host, ["version": "3.0-1"]).apply()
        #expect(try host.installed("muster-demo") == "muster-demo-3.0-1.noarch")
        try host.build(.init(version: "0.9", epoch: 1))
        try host.index()
        let epoch = try package(host, ["version": "1:0.9-1"])
        try epoch.apply()
        #expect(try epoch.difference() == .asDeclared("1:0.9-1 is installed"))
    }

    @Test func aPackageThatAnotherNeedsStays() throws {
        let host = try host()
        try host.build(.init(name: "muster-feed", requires: "muster-demo"))
        try host.index()
        try package(host, name: "muster-feed").apply()
        let fault = try package(host, ["state": "absent"]).faultOfApply()
        #expect(
            fault
                == "cannot remove package muster-demo: "
                + "muster-demo is needed by (installed) muster-feed-1.0-1.noarch")
        // What it needed stays when it goes.
        try package(host, ["state": "absent"], name: "muster-feed").apply()
        #expect(try host.installed("muster-demo") == "muster-demo-1.10-1.noarch")
    }

    @Test func aFileOfTheRoleIsInstalled() throws {
        let host = try host()
        let path = try host.build(.init(version: "5.0"), into: "elsewhere")
        let content = try LocalMachine().read(path, limit: 1 << 20)
        func declared(_ version: String) throws -> Package {
            try package(
                host,
                [
                    "version": .string(version),
                    "content_digest": .string(Digest(of: content).description),
                    "content_size": .integer(content.count),
                ], blobs: [content])
        }
        #expect(
            try declared("4.0-1").faultOfApply()
                == "cannot install muster-demo 4.0-1: the file is muster-demo 5.0-1")
        try declared("5.0-1").apply()
        #expect(try host.installed("muster-demo") == "muster-demo-5.0-1.noarch")
        #expect(try host.list("/var/lib/muster/packages") == [])
    }

    @Test func onlyWhatTheKeySignedIsInstalled() throws {
        let host = try InstallRoot()
        let key = try host.makeKey("lab@localhost")
        try host.build(.init(name: "muster-signed", key: "lab@localhost"))
        try host.build(.init(name: "muster-unsigned"))
        try host.index()
        let attributes: [String: JSON] = [
            "content_digest": .string(Digest(of: key).description),
            "content_size": .integer(key.count),
        ]
        let repository = try repository(host, attributes, blobs: [key])
        try repository.apply()
        #expect(
            try repository.difference() == .asDeclared("same entry, its lists are there"))
        // rpm reads the key where the file says it is, which is below the root here.
        let path = "/etc/yum.repos.d/demo.repo"
        let text = String(decoding: try host.read(path, limit: 9999), as: UTF8.self)
        #expect(text.contains("gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-demo\n"), "\(text)")
        try host.put(path, text.replacing("file:///etc", with: "file://\(host.root)/etc"))
        try package(host, name: "muster-signed").apply()
        #expect(try host.installed("muster-signed") == "muster-signed-1.0-1.noarch")
        let fault = try package(host, name: "muster-unsigned").faultOfApply() ?? ""
        #expect(fault.contains("muster-unsigned") && fault.contains("is not signed"), "\(fault)")
        try host.put(path, text)
        try self.repository(host, ["state": "absent"]).apply()
        #expect(try host.statusIfPresent("/etc/pki/rpm-gpg/RPM-GPG-KEY-demo") == nil)
    }

    /// rpm calls a database empty that it cannot open: not installed is another thing.
    @Test func aDatabaseThatCannotBeReadIsNotEmpty() throws {
        let host = try host()
        try package(host).apply()
        let database = "\(host.root)/root/.rpmdb/rpmdb.sqlite"
        try #require(try LocalMachine().statusIfPresent(database) != nil)
        let whole = try LocalMachine().read(database, limit: 1 << 26)
        try LocalMachine().replaceFile(
            database, content: Array("no database at all".utf8), mode: 0o644, uid: 0, gid: 0)
        let fault = try package(host).faultOfApply() ?? ""
        #expect(fault.hasPrefix("cannot read the installed packages: rpm "), "\(fault)")
        try LocalMachine().replaceFile(database, content: whole, mode: 0o644, uid: 0, gid: 0)
    }

    @Test func holdsNeedThePlugin() throws {
        let host = try host()
        try host.put("/etc/dnf/plugins/versionlock.conf", "[main]\nenabled = 0\n")
        #expect(
            try package(host, ["hold": true]).difference().fault
                == "cannot hold package muster-demo: dnf's versionlock plugin is not installed or "
                + "not enabled")
        #expect(try package(host).difference().fault == nil)
    }

    @Test func versionsAreOrderedAsRpmOrdersThem() throws {
        var generator = SeededGenerator(seed: 11)
        let characters = Array("0019aZb.~^+_")
        let fixed = [
            "1.0", "1.0~rc1", "1.0^git1", "1.0^", "1.0~", "1.0.", "1.0a", "1.0.a", "1.a", "a", "10",
            "9", "09", "1.0~rc1^git", "1.0^git~x", "~", "^", "5.14.0", "9.2.1.43",
        ]
        var pairs = fixed.flatMap { left in fixed.map { (left, $0) } }
        for _ in 0..<600 {
            func version() -> String {
                String(
                    (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                        characters[Int.random(in: 0..<characters.count, using: &generator)]
                    })
            }
            pairs.append((version(), version()))
        }
        let calls = pairs.map { "print(rpm.vercmp('\($0)', '\($1)'))" }.joined(separator: " ")
        let result = try ProcessRunner.run(
            ProgramCall("/usr/bin/rpm", ["--eval", "%{lua: \(calls)}"]))
        try #require(result.succeeded, "\(result.errorText)")
        // print ends no line here: the answers are -1, 0 and 1 in a row.
        var answers: [Int] = []
        var isNegative = false
        for character in result.outputText where character != "\n" {
            if character == "-" {
                isNegative = true
            } else if let digit = character.wholeNumberValue {
                answers.append(isNegative ? -digit : digit)
                isNegative = false
            }
        }
        try #require(answers.count == pairs.count)
        for ((left, right), answer) in zip(pairs, answers) {
            let ours = RPMVersion.compareText(Array(left.utf8), Array(right.utf8))
            #expect(ours.signum() == answer, "\(left) and \(right)")
        }
        #expect(RPMVersion.compare("1:0.1-1", "9.0-1") > 0)
        #expect(RPMVersion.compare("1.0", "1.0-5") == 0)
    }
}

extension Difference {
    /// The text of what is in the way; nil where nothing is.
    fileprivate var fault: String? {
        if case .blocked(let fault) = self { return fault.text }
        return nil
    }
}
