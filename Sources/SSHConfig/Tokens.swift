/// The values behind the `%` tokens and `~` of ssh_config(5).
package struct Tokens: Sendable {
    /// The value of `%d`.
    package var home: String
    /// `%h`: the host's name after HostName is applied.
    package var host: String
    /// `%n`: the name as it was given.
    package var originalHost: String
    /// The value of `%p`.
    package var port: Int
    /// The value of `%r`.
    package var remoteUser: String
    /// The value of `%u`.
    package var localUser: String
    /// `%k`: HostKeyAlias, or the name as it was given.
    package var hostKeyAlias: String?
    /// The values of `${NAME}`.
    package var environment: [String: String]

    package init(
        home: String, host: String, originalHost: String, port: Int, remoteUser: String,
        localUser: String, hostKeyAlias: String? = nil, environment: [String: String] = [:]
    ) {
        self.home = home
        self.host = host
        self.originalHost = originalHost
        self.port = port
        self.remoteUser = remoteUser
        self.localUser = localUser
        self.hostKeyAlias = hostKeyAlias
        self.environment = environment
    }

    /// Expands a path; throws at a token that does not exist or that muster does not know.
    package func expand(_ path: String, place: String) throws(SSHConfigError) -> String {
        var result = ""
        var rest = path[...]
        if rest == "~" || rest.hasPrefix("~/") {
            result = home
            rest = rest.dropFirst()
        }
        while let character = rest.popFirst() {
            if character == "$", rest.hasPrefix("{"), let end = rest.firstIndex(of: "}") {
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                guard let value = environment[name] else {
                    throw SSHConfigError(
                        place: place, reason: "\(path): ${\(name)} is not in the environment")
                }
                result += value
                rest = rest[rest.index(after: end)...]
                continue
            }
            guard character == "%" else {
                result.append(character)
                continue
            }
            switch rest.popFirst() {
            case "%": result += "%"
            case "d": result += home
            case "h": result += host
            case "n": result += originalHost
            case "p": result += "\(port)"
            case "r": result += remoteUser
            case "u": result += localUser
            case "k": result += hostKeyAlias ?? originalHost
            case let other:
                throw SSHConfigError(
                    place: place,
                    reason: "\(path): the token %\(other.map(String.init) ?? "") is not known")
            }
        }
        return result
    }
}
