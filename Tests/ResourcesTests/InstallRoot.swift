import FleetModel
import Linux
import TestSupport
import Testing

/// A root that Debian's own dnf and rpm install into, beside a repository of packages made here.
///
/// A machine whose files are those below the root and whose rpm and dnf are told of it: what a host of
/// rpm looks like to the behaviours. Needs root.
final class InstallRoot: Machine {
    private let folder: TemporaryDirectory
    private let local = LocalMachine()
    let root: String
    /// Where the repository is.
    let repository: String
    /// Calls of dnf that were made, without what all have.
    private(set) var dnfCalls: [[String]] = []

    init() throws {
        folder = try TemporaryDirectory()
        root = folder.path("root")
        repository = folder.path("repository")
        for path in [
            root, repository, "\(root)/etc", "\(root)/etc/yum.repos.d", "\(root)/etc/dnf",
            "\(root)/etc/dnf/plugins", "\(root)/usr", "\(root)/usr/bin", "\(root)/etc/pki",
            "\(root)/var", "\(root)/var/lib",
        ] {
            try local.makeDirectory(path, mode: 0o755, uid: 0, gid: 0)
        }
        try put("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        try put("/etc/group", "root:x:0:\n")
        // The behaviours look for them; what runs are this machine's own.
        try put("/usr/bin/rpm", "")
        try put("/usr/bin/dnf", "")
        let list = "/etc/dnf/plugins/versionlock.list"
        try put("/etc/dnf/plugins/versionlock.conf", "[main]\nenabled = 1\nlocklist = \(list)\n")
        try put(list, "")
        // dnf's plugin knows nothing of the root.
        try folder.write("versionlock.conf", "[main]\nenabled = 1\nlocklist = \(root)\(list)\n")
    }

    func put(_ path: String, _ text: String) throws {
        try local.replaceFile(root + path, content: Array(text.utf8), mode: 0o644, uid: 0, gid: 0)
    }

    // MARK: Packages

    struct Recipe {
        var name = "muster-demo"
        var version = "1.0"
        var release = "1"
        var epoch: Int?
        var requires: String?
        var key: String?
    }

    /// Builds a package that holds nothing and puts it into the repository; its path.
    @discardableResult
    func build(_ recipe: Recipe, into folderName: String = "repository") throws -> String {
        let spec = """
            Name: \(recipe.name)
            Version: \(recipe.version)
            Release: \(recipe.release)
            \(recipe.epoch.map { "Epoch: \($0)" } ?? "")
            Summary: nothing
            License: MIT
            BuildArch: noarch
            \(recipe.requires.map { "Requires: \($0)" } ?? "")
            %description
            %files
            """
        let path = try folder.write("\(recipe.name).spec", spec + "\n")
        try tool(
            "/usr/bin/rpmbuild",
            [
                "--quiet", "-bb", "--define", "_topdir \(folder.path("build"))", "--define",
                "_rpmdir \(folder.path(folderName))", "--define", "_rpmfilename %{NVRA}.rpm", path,
            ])
        let file = folder.path(
            "\(folderName)/\(recipe.name)-\(recipe.version)-\(recipe.release).noarch.rpm")
        if let key = recipe.key {
            try tool(
                "/usr/bin/rpmsign",
                [
                    "--define", "__gpg /usr/bin/gpg", "--define", "_gpg_name \(key)", "--define",
                    "_gpg_path \(folder.path("gpg"))", "--addsign", file,
                ])
        }
        return file
    }

    /// Makes what dnf asks of a repository first.
    func index() throws { try tool("/usr/bin/createrepo_c", ["--quiet", repository]) }

    /// A new signing key, in armour.
    func makeKey(_ name: String) throws -> [UInt8] {
        if try local.statusIfPresent(folder.path("gpg")) == nil {
            try local.makeDirectory(folder.path("gpg"), mode: 0o700, uid: 0, gid: 0)
        }
        let home = ["--homedir", folder.path("gpg"), "--batch"]
        try tool(
            "/usr/bin/gpg",
            home + [
                "--passphrase", "", "--quick-generate-key", name, "rsa2048", "sign", "never",
            ])
        let key = try tool("/usr/bin/gpg", home + ["--armor", "--export", name])
        _ = try? tool("/usr/bin/gpgconf", ["--homedir", folder.path("gpg"), "--kill", "all"])
        return key
    }

    @discardableResult
    private func tool(_ program: String, _ arguments: [String]) throws -> [UInt8] {
        let environment = ProgramCall.plainEnvironment.filter { !$0.hasPrefix("HOME=") }
        let result = try ProcessRunner.run(
            ProgramCall(
                program, arguments, environment: environment + ["HOME=\(folder.path)"],
                timeoutSeconds: 60))
        try #require(result.succeeded, "\(program): \(result.errorText)")
        return result.output
    }

    /// What rpm says is installed of a name.
    func installed(_ name: String) throws -> String {
        try ProcessRunner.run(ProgramCall("/usr/bin/rpm", ["--root", root, "-q", name]))
            .outputText.filter { $0 != "\n" }
    }

    // MARK: A machine

    func run(_ call: ProgramCall) throws(SystemError) -> ProgramResult {
        var call = call
        let inside = call.arguments.map { $0.hasPrefix("/var/lib/muster/") ? root + $0 : $0 }
        switch call.path {
        case "/usr/bin/rpm":
            // An archive is read from outside; rpm would look for it below the root.
            call.arguments = (inside.contains("-p") ? [] : ["--root", root]) + inside
        case "/usr/bin/dnf":
            dnfCalls.append(call.arguments)
            call.arguments =
                [
                    "--installroot", root, "--releasever", "9",
                    "--setopt=reposdir=\(root)/etc/yum.repos.d",
                    "--setopt=pluginconfpath=\(folder.path)",
                ] + inside
        default: break
        }
        return try local.run(call)
    }

    func status(_ path: String, followLinks: Bool) throws(SystemError) -> FileStatus {
        try local.status(root + path, followLinks: followLinks)
    }
    func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try local.read(root + path, limit: limit)
    }
    func read(_ path: String, inPieces body: ([UInt8]) -> Void) throws(SystemError) {
        try local.read(root + path, inPieces: body)
    }
    func read(_ path: String, from offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        try local.read(root + path, from: offset, count: count)
    }
    func linkTarget(_ path: String) throws(SystemError) -> String {
        try local.linkTarget(root + path)
    }
    func list(_ path: String) throws(SystemError) -> [String] { try local.list(root + path) }
    func replaceFile(
        _ path: String, content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        try local.replaceFile(root + path, content: content, mode: mode, uid: uid, gid: gid)
    }
    func replaceFile(
        _ path: String, copyOf source: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        try local.replaceFile(root + path, copyOf: source, mode: mode, uid: uid, gid: gid)
    }
    func writeInPlace(_ path: String, _ content: [UInt8]) throws(SystemError) {
        try local.writeInPlace(root + path, content)
    }
    func makeDirectory(_ path: String, mode: UInt32, uid: UInt32, gid: UInt32) throws(SystemError) {
        try local.makeDirectory(root + path, mode: mode, uid: uid, gid: gid)
    }
    func replaceLink(_ path: String, target: String) throws(SystemError) {
        try local.replaceLink(root + path, target: target)
    }
    func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        try local.setMode(root + path, mode)
    }
    func setOwner(_ path: String, uid: UInt32, gid: UInt32) throws(SystemError) {
        try local.setOwner(root + path, uid: uid, gid: gid)
    }
    func rename(_ from: String, to: String) throws(SystemError) {
        try local.rename(root + from, to: root + to)
    }
    func remove(_ path: String) throws(SystemError) { try local.remove(root + path) }
    func askLink(
        _ interface: String, _ request: LinkRequest, _ message: [UInt8]
    ) throws(SystemError) -> [UInt8] {
        try local.askLink(interface, request, message)
    }
    func askChrony(_ message: [UInt8]) throws(SystemError) -> [UInt8] {
        try local.askChrony(message)
    }
    func setAffinity(of pid: Int, _ mask: [UInt8]) throws(SystemError) {
        try local.setAffinity(of: pid, mask)
    }
}
