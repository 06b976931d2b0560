import Diagnostics
import Glibc
import Inventory
import Linux
import SSHConfig
import Transport
import Values

/// Finds the route to each host; inventory overrides ssh_config, which overrides settings.
package struct HostRouter: Sendable {
    private let inventory: InventorySet
    private let settings: Settings
    private let acceptsNewKeys: Bool
    private let source: ConfigSource
    private let userConfig: ConfigFile?
    private let systemConfig: ConfigFile?
    private let localUser: String

    /// Reads the ssh_config files once.
    package init(
        inventory: InventorySet, settings: Settings, acceptsNewKeys: Bool
    ) throws(Faults) {
        self.inventory = inventory
        self.settings = settings
        self.acceptsNewKeys = acceptsNewKeys
        let entry = getpwuid(getuid())
        localUser = entry.map { String(cString: $0.pointee.pw_name) } ?? "root"
        let home =
            getenv("HOME").map { String(cString: $0) }
            ?? entry.map { String(cString: $0.pointee.pw_dir) } ?? "/"
        let source = ConfigSource(
            home: home,
            read: { (path) throws(SSHConfigError) in
                do throws(SystemError) {
                    return try LocalMachine().read(path, limit: 4 << 20)
                } catch {
                    if error.isNotFound { return nil }
                    throw SSHConfigError(place: path, reason: "cannot be read: \(error.reason)")
                }
            },
            glob: Globbing.paths)
        self.source = source
        do throws(SSHConfigError) {
            guard settings.sshConfig != "none" else {
                userConfig = nil
                systemConfig = nil
                return
            }
            let path = settings.sshConfig.map(source.expandTilde) ?? home + "/.ssh/config"
            userConfig = try ConfigFile(
                path, isUser: true, mustExist: settings.sshConfig != nil, source: source)
            systemConfig = try ConfigFile("/etc/ssh/ssh_config", isUser: false, source: source)
        } catch {
            throw Faults(Self.diagnostic(error))
        }
    }

    /// The route to a host.
    package func route(to host: String) throws(Faults) -> HostRoute {
        guard let connection = try inventory.connection(of: host) else {
            throw Faults(
                Diagnostic("unknown-host", "there is no host \"\(host)\" in the inventory"))
        }
        if connection.kind == .local {
            return HostRoute(
                host: host, target: SSHTarget(name: host, way: .local),
                become: become(connection, user: localUser))
        }
        do throws(SSHConfigError) {
            return try route(to: host, connection)
        } catch {
            throw Faults(Self.diagnostic(error))
        }
    }

    private func route(
        to host: String, _ connection: ConnectionVariables
    ) throws(SSHConfigError) -> HostRoute {
        let arguments = connection.sshArguments
        var files: [ConfigFile] = []
        if let overriding = try argumentsAsConfig(arguments, host) { files.append(overriding) }
        if let explicit = arguments.configurationFile {
            files.append(
                try ConfigFile(
                    source.expandTilde(explicit), isUser: true, mustExist: true, source: source))
        } else {
            files += [userConfig, systemConfig].compactMap { $0 }
        }
        let reader = ConfigReader(files, caller: ConfigReader.Caller(localUser: localUser))
        var found = try reader.settings(for: connection.address, user: connection.user)
        let user = connection.user ?? found.user ?? settings.user
        var target = try target(
            named: host, given: connection.address, &found, user: user,
            port: connection.port)
        if let file = connection.privateKeyFile {
            target.identityFiles = [source.expandTilde(file)]
        }
        if let seconds = connection.connectTimeoutSeconds {
            target.connectTimeoutSeconds = Double(seconds)
        }
        target.extraArguments = arguments.words
        target.jumps = try (found.proxyJump ?? []).map { (hop) throws(SSHConfigError) in
            try jump(hop, reader)
        }
        if !arguments.unknown.isEmpty {
            target.needsOpenSSH.append("the argument \(arguments.unknown.joined(separator: " "))")
        }
        return HostRoute(
            host: host, target: target, become: become(connection, user: user ?? localUser))
    }

    private func jump(
        _ hop: JumpHop, _ reader: ConfigReader
    ) throws(SSHConfigError) -> SSHTarget {
        var found = try reader.settings(for: hop.host, user: hop.user)
        return try target(
            named: hop.host, given: hop.host, &found, user: hop.user ?? found.user, port: hop.port)
    }

    private func target(
        named name: String, given host: String, _ found: inout SSHSettings, user: String?,
        port: Int?
    ) throws(SSHConfigError) -> SSHTarget {
        let address = found.hostName ?? host
        let port = port ?? found.port ?? 22
        let tokens = Tokens(
            home: source.home, host: address, originalHost: host, port: port,
            remoteUser: user ?? localUser, localUser: localUser, hostKeyAlias: found.hostKeyAlias)
        func expand(_ paths: [String]) throws(SSHConfigError) -> [String] {
            try paths.filter { $0 != "none" }.map { (path) throws(SSHConfigError) in
                try tokens.expand(path, place: "ssh_config for \(host)")
            }
        }
        var known = settings.knownHosts
        if known.isEmpty {
            // ssh_config(5): these are the defaults of UserKnownHostsFile and GlobalKnownHostsFile.
            known = found.userKnownHostsFiles ?? ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]
            known += found.globalKnownHostsFiles ?? ["/etc/ssh/ssh_known_hosts"]
        }
        let agent = found.identityAgent
        return SSHTarget(
            name: name, host: host, address: address, port: port, user: user,
            identityFiles: try expand(found.identityFiles),
            identitiesOnly: found.identitiesOnly ?? false,
            identityAgent: try agent.map { (path) throws(SSHConfigError) in
                path == "none" ? path : try tokens.expand(path, place: "ssh_config for \(host)")
            }, knownHostsFiles: try expand(known),
            strictHostKeyChecking: checking(found),
            hostKeyAlias: found.hostKeyAlias,
            connectTimeoutSeconds: found.connectTimeoutSeconds.map(Double.init)
                ?? settings.connectTimeoutSeconds,
            way: settings.way, needsOpenSSH: found.forOpenSSH.map(\.description))
    }

    /// The host key checking; a changed key is always refused.
    private func checking(_ found: SSHSettings) -> SSHTarget.StrictHostKeyChecking {
        if acceptsNewKeys { return .acceptNew }
        if let choice = settings.strictHostKeyChecking { return choice }
        switch found.hostKeyChecking {
        case .acceptNew: return .acceptNew
        case .no: return .no
        case .yes, .ask, nil: return .yes
        }
    }

    private func become(_ connection: ConnectionVariables, user: String) -> Become? {
        let isWanted = connection.become ?? (user != "root")
        return isWanted && user != "root" ? Become() : nil
    }

    /// `-o` options and flags count before every file, as on ssh's own command line.
    private func argumentsAsConfig(
        _ arguments: SSHArguments, _ host: String
    ) throws(SSHConfigError) -> ConfigFile? {
        if arguments.options.isEmpty { return nil }
        let lines = arguments.options.map { "\($0.name) \($0.value)\n" }.joined()
        let name = "ansible_ssh_args of \(host)"
        let memory = ConfigSource(
            home: source.home,
            read: { (path) throws(SSHConfigError) in
                path == name ? Array(lines.utf8) : try source.read(path)
            },
            glob: source.glob)
        return try ConfigFile(name, isUser: true, source: memory)
    }

    private static func diagnostic(_ error: SSHConfigError) -> Diagnostic {
        Diagnostic(
            "ssh-config", "\(error.place): \(error.reason)",
            hint: "ssh -G HOST shows how OpenSSH reads its configuration")
    }
}

/// glob(3) over this machine's files.
enum Globbing {
    /// The matching paths, sorted; empty if none match.
    @Sendable static func paths(_ pattern: String) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(pattern, 0, nil, &result) == 0 else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { index in
            result.gl_pathv[index].map { String(cString: $0) }
        }
    }
}
