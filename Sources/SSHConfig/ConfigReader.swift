/// Looks up a host in ssh_config files: files in order; for each keyword the first value wins.
package struct ConfigReader: Sendable {
    /// The facts about the caller that Match and the tokens use.
    package struct Caller: Sendable {
        package var localUser: String

        package init(localUser: String) { self.localUser = localUser }
    }

    private let files: [ConfigFile]
    private let caller: Caller

    /// Takes files that are already parsed; nothing is read from disk.
    package init(_ files: [ConfigFile], caller: Caller) {
        self.files = files
        self.caller = caller
    }

    /// The settings of a host, with the name that `ssh` would be given.
    ///
    /// `user` is a user given by other means, which `Match user` compares with.
    package func settings(
        for host: String, user: String? = nil
    ) throws(SSHConfigError) -> SSHSettings {
        var evaluation = Evaluation(host: host, user: user, caller: caller)
        for file in files { try evaluation.run(file) }
        // `Match final` asks for a second reading, with HostName already known.
        if evaluation.wantsFinalPass {
            evaluation.beginFinalPass()
            for file in files { try evaluation.run(file) }
        }
        return evaluation.settings
    }
}

/// One pass through the files for one host.
private struct Evaluation {
    /// Whether the current lines apply.
    enum Activity {
        case yes, no
        /// The lines are below a Match whose condition only OpenSSH can evaluate.
        case undecided(SSHSettings.ForOpenSSH)
    }

    let host: String
    let user: String?
    let caller: ConfigReader.Caller
    var settings = SSHSettings()
    var wantsFinalPass = false
    var isFinalPass = false
    private var seen: Set<String> = []

    init(host: String, user: String?, caller: ConfigReader.Caller) {
        self.host = host
        self.user = user
        self.caller = caller
    }

    /// From here on, patterns are matched with the name that is connected to, in lower case.
    mutating func beginFinalPass() {
        isFinalPass = true
        settings.hostName = (settings.hostName ?? host).lowercased()
        seen.insert("hostname")
    }

    mutating func run(_ file: ConfigFile) throws(SSHConfigError) {
        var activity = Activity.yes
        try run(file.items, &activity, mayMatch: true)
    }

    private mutating func run(
        _ items: [ConfigFile.Item], _ activity: inout Activity, mayMatch: Bool
    ) throws(SSHConfigError) {
        for item in items {
            switch item {
            case .include(let files):
                let outer = activity
                let isInactive = if case .no = outer { true } else { false }
                for file in files {
                    // A Host line in the included file must not activate lines of an outer block
                    // that does not apply.
                    try run(file, &activity, mayMatch: mayMatch && !isInactive)
                    activity = outer
                }
            case .line(let line):
                switch line.keyword {
                case "host": activity = mayMatch && matchesHost(line) ? .yes : .no
                case "match":
                    // Evaluated even if it cannot match, since it may request the final pass.
                    let condition = try match(line)
                    activity = mayMatch ? condition : .no
                default: try apply(line, activity)
                }
            }
        }
    }

    private func matchesHost(_ line: ConfigLine) -> Bool {
        Pattern.matches(currentHost, anyOf: line.arguments.map { $0[...] })
    }

    /// The name that Host lines are matched with: the given name, in the final pass the HostName.
    private var currentHost: String { isFinalPass ? settings.hostName ?? host : host }

    /// Match ignores case in host names, Host does not.
    private static func matchesName(_ name: String, _ patterns: String) -> Bool {
        Pattern.matches(name.lowercased(), anyOf: patterns.lowercased().split(separator: ","))
    }

    // MARK: Match

    private mutating func match(_ line: ConfigLine) throws(SSHConfigError) -> Activity {
        var words = line.arguments[...]
        var undecided = false
        var holds = true
        guard !words.isEmpty else {
            throw SSHConfigError(place: line.place, reason: "Match needs a condition")
        }
        while let word = words.popFirst() {
            let isNegated = word.hasPrefix("!")
            let name = (isNegated ? String(word.dropFirst()) : word).lowercased()
            var answer: Bool
            switch name {
            case "all": answer = true
            case "canonical": answer = isFinalPass
            case "final":
                wantsFinalPass = true
                answer = isFinalPass
            default:
                // `host=name` is one word, `host name` are two.
                let parts = name.split(separator: "=", maxSplits: 1)
                let attribute = parts.first.map(String.init) ?? name
                let value: String
                if parts.count == 2 {
                    value = String(word.drop { $0 != "=" }.dropFirst())
                } else {
                    guard let next = words.popFirst() else {
                        throw SSHConfigError(
                            place: line.place, reason: "Match \(word) needs a value")
                    }
                    value = next
                }
                let patterns = value.split(separator: ",")
                switch attribute {
                case "host": answer = Self.matchesName(settings.hostName ?? host, value)
                case "originalhost": answer = Self.matchesName(host, value)
                case "user":
                    answer = Pattern.matches(
                        user ?? settings.user ?? caller.localUser, anyOf: patterns)
                case "localuser": answer = Pattern.matches(caller.localUser, anyOf: patterns)
                default:
                    // exec, localnetwork, tagged …: evaluating these would need a program or the
                    // machine.
                    undecided = true
                    answer = true
                }
                if undecided, attribute != "host", attribute != "originalhost",
                    attribute != "user", attribute != "localuser"
                {
                    continue
                }
            }
            if answer == isNegated { holds = false }
        }
        if !holds { return .no }
        return undecided
            ? .undecided(SSHSettings.ForOpenSSH(option: "Match \(line.rest)", place: line.place))
            : .yes
    }

    // MARK: Settings

    private mutating func apply(_ line: ConfigLine, _ activity: Activity) throws(SSHConfigError) {
        let effect = Keywords.effect(of: line.keyword)
        switch activity {
        case .no: return
        case .undecided(let condition):
            // A keyword that does not matter to muster may stay undecided.
            if effect != .none, !settings.forOpenSSH.contains(condition) {
                settings.forOpenSSH.append(condition)
            }
            return
        case .yes: break
        }
        switch effect {
        case .none: return
        case .openSSHOnly:
            // A ProxyJump before a ProxyCommand wins; `ProxyJump none` does not.
            if line.keyword == "proxycommand", settings.proxyJump?.isEmpty == false { return }
            guard seen.insert(line.keyword).inserted else { return }
            guard Keywords.isInUse(line) else { return }
            settings.forOpenSSH.append(
                SSHSettings.ForOpenSSH(option: line.writtenKeyword, place: line.place))
        case .ours: try set(line)
        }
    }

    private mutating func set(_ line: ConfigLine) throws(SSHConfigError) {
        guard let value = line.arguments.first else {
            throw SSHConfigError(place: line.place, reason: "\(line.writtenKeyword) needs a value")
        }
        func bad(_ wanted: String) -> SSHConfigError {
            SSHConfigError(
                place: line.place, reason: "\(line.writtenKeyword) \(value): \(wanted) is needed")
        }
        if line.keyword == "identityfile" {
            if !settings.identityFiles.contains(value) { settings.identityFiles.append(value) }
            return
        }
        guard seen.insert(line.keyword).inserted else { return }
        switch line.keyword {
        case "hostname": settings.hostName = try hostName(value, line)
        case "user": settings.user = value
        case "port":
            guard let port = JumpHop.port(value) else { throw bad("a port from 1 to 65535") }
            settings.port = port
        case "identitiesonly":
            guard let flag = Keywords.flag(value) else { throw bad("yes or no") }
            settings.identitiesOnly = flag
        case "proxyjump":
            if seen.contains("proxycommand") { return }
            guard let hops = JumpHop.list(line.rest) else { throw bad("[user@]host[:port]") }
            settings.proxyJump = hops
        case "userknownhostsfile": settings.userKnownHostsFiles = line.arguments
        case "globalknownhostsfile": settings.globalKnownHostsFiles = line.arguments
        case "stricthostkeychecking":
            guard let checking = Keywords.hostKeyChecking(value) else {
                throw bad("yes, no, ask or accept-new")
            }
            settings.hostKeyChecking = checking
        case "connecttimeout":
            // `none` leaves the keyword unset, so that a later line may still set it.
            if value.lowercased() == "none" {
                seen.remove(line.keyword)
                return
            }
            guard let seconds = Keywords.seconds(value) else { throw bad("a time in seconds") }
            settings.connectTimeoutSeconds = seconds
        case "hostkeyalias": settings.hostKeyAlias = value
        case "identityagent":
            if value.hasPrefix("$") {
                settings.forOpenSSH.append(
                    SSHSettings.ForOpenSSH(
                        option: "\(line.writtenKeyword) \(value)", place: line.place))
            } else if value != "SSH_AUTH_SOCK" {
                settings.identityAgent = value
            }
        default: break
        }
    }

    private func hostName(_ value: String, _ line: ConfigLine) throws(SSHConfigError) -> String {
        var name = ""
        var rest = value[...]
        while let character = rest.popFirst() {
            guard character == "%" else {
                name.append(character)
                continue
            }
            switch rest.popFirst() {
            case "h": name += host
            case "%": name += "%"
            default:
                throw SSHConfigError(
                    place: line.place, reason: "HostName \(value): only %h and %% are allowed")
            }
        }
        return name
    }
}
