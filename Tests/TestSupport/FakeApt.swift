import Linux

/// apt and dpkg in memory: what is offered, what is installed, and transactions that count.
///
/// A transaction is refused whole, before anything is changed, where a package of it is not offered,
/// cannot be had (`refused`) or would take others along. A package that is `broken` is unpacked and
/// fails to be configured; the others of the transaction are installed, and every later transaction
/// tries it again and fails.
package final class FakeApt {
    package struct Package: Equatable {
        package var version: String
        package var isHeld: Bool
        package var isConfigured: Bool

        package init(version: String, isHeld: Bool = false, isConfigured: Bool = true) {
            self.version = version
            self.isHeld = isHeld
            self.isConfigured = isConfigured
        }
    }

    /// The versions offered, the newest first.
    package var offered: [String: [String]] = [:]
    /// Offered only once the lists were fetched anew.
    package var fresh: [String: [String]] = [:]
    package private(set) var installed: [String: Package] = [:]
    /// What a package needs, by its name.
    package var needs: [String: Set<String>] = [:]
    package var refused: Set<String> = []
    package var broken: Set<String> = []
    /// Whether somebody else holds dpkg's lock.
    package var isLocked = false

    package init() {}

    package func install(on machine: FakeMachine) {
        machine.put("/var/lib/dpkg/updates", .directory)
        write(on: machine)
        machine.programs["/usr/bin/apt-cache"] = { [self] call, _ in
            // policy -- NAME…
            let text = call.arguments.dropFirst(2).compactMap { policy(of: $0) }.joined()
            return ProgramResult(end: .exited(0), output: Array(text.utf8))
        }
        machine.programs["/usr/bin/apt-mark"] = { [self] call, machine in
            for name in call.arguments.dropFirst(3) {
                guard installed[name] != nil else { return failure("Can't select \(name)") }
                installed[name]?.isHeld = call.arguments[1] == "hold"
            }
            write(on: machine)
            return ProgramResult(end: .exited(0))
        }
        machine.programs["/usr/bin/apt-get"] = { [self] call, machine in
            let result = get(call.arguments)
            write(on: machine)
            return result
        }
    }

    /// Puts a package in place as if it had always been there.
    package func put(_ name: String, _ version: String, isHeld: Bool = false) {
        installed[name] = Package(version: version, isHeld: isHeld)
    }

    // MARK: Programs

    private func policy(of name: String) -> String? {
        guard let versions = offered[name] else { return nil }
        return "\(name):\n  Version table:\n"
            + versions.map { "     \($0) 500\n        500 file:/srv ./ Packages\n" }.joined()
    }

    private func failure(_ text: String) -> ProgramResult {
        ProgramResult(end: .exited(100), errorOutput: Array("E: \(text)\n".utf8))
    }

    private func get(_ arguments: [String]) -> ProgramResult {
        if arguments.last == "update" {
            offered.merge(fresh) { _, new in new }
            return ProgramResult(end: .exited(0))
        }
        guard let dash = arguments.firstIndex(of: "--"), dash > 0 else { return failure("usage") }
        if isLocked { return failure("Could not get lock /var/lib/dpkg/lock-frontend") }
        let targets = Array(arguments[(dash + 1)...])
        let options = Set(arguments[..<dash])
        if arguments[dash - 1] == "install" { return install(targets, options) }
        return remove(targets, isRehearsal: options.contains("--simulate"))
    }

    private func install(_ targets: [String], _ options: Set<String>) -> ProgramResult {
        var wanted: [(name: String, version: String)] = []
        for target in targets {
            let parts = target.split(separator: "=", maxSplits: 1).map(String.init)
            guard let versions = offered[parts[0]], let newest = versions.first,
                parts.count == 1 || versions.contains(parts[1])
            else { return failure("Unable to locate package \(parts[0])") }
            if refused.contains(parts[0]) { return failure("\(parts[0]) breaks the host") }
            if installed[parts[0]]?.isHeld == true,
                !options.contains("--allow-change-held-packages")
            {
                return failure("Held packages were changed")
            }
            wanted.append((parts[0], parts.count > 1 ? parts[1] : newest))
        }
        for name in wanted.flatMap({ needs[$0.name] ?? [] }).sorted() where installed[name] == nil {
            guard let version = offered[name]?.first, !refused.contains(name) else {
                return failure("Depends: \(name)")
            }
            installed[name] = Package(version: version)
        }
        for (name, version) in wanted {
            // The hold of a package goes with its old version.
            installed[name] = Package(version: version, isConfigured: !broken.contains(name))
        }
        let stuck = installed.filter { !$0.value.isConfigured }.keys.sorted()
        return stuck.isEmpty
            ? ProgramResult(end: .exited(0)) : failure("dpkg: error processing \(stuck[0])")
    }

    private func remove(_ names: [String], isRehearsal: Bool) -> ProgramResult {
        var going = Set(names.filter { installed[$0] != nil })
        while true {
            let more = installed.keys.filter { name in
                !going.contains(name) && !(needs[name] ?? []).isDisjoint(with: going)
            }
            if more.isEmpty { break }
            going.formUnion(more)
        }
        let text = going.sorted().map { "Remv \($0) [1]\n" }.joined()
        if !isRehearsal { for name in going { installed[name] = nil } }
        return ProgramResult(end: .exited(0), output: Array(text.utf8))
    }

    // MARK: The database

    private func write(on machine: FakeMachine) {
        func paragraph(_ name: String, _ package: Package) -> String {
            let status = package.isConfigured ? "installed" : "half-configured"
            return "Package: \(name)\nStatus: \(package.isHeld ? "hold" : "install") ok \(status)\n"
                + "Architecture: amd64\nVersion: \(package.version)\n\n"
        }
        let all = installed.sorted { $0.key < $1.key }.map(paragraph).joined()
        machine.put(
            "/var/lib/dpkg/status", text: paragraph("dpkg", Package(version: "1.21.22")) + all)
    }
}
