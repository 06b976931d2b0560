import Diagnostics
import Values
import YAML

extension InventorySet {
    /// How to connect to a host; nil for an unknown host.
    ///
    /// `evaluate` computes values that are templates. Throws one fault for each connection variable
    /// that cannot be honoured or read: none is ignored silently.
    package func connection(
        of host: String,
        evaluating evaluate: @escaping (VariableCandidate) throws(Faults) -> Value = Self.plainValue
    ) throws(Faults) -> ConnectionVariables? {
        guard let variables = variables(of: host) else { return nil }
        var reading = ConnectionReading(variables, evaluate)
        let connection = reading.connection
        if !reading.faults.isEmpty { throw Faults(reading.faults) }
        return connection
    }

    /// The value of a variable without a template; throws a fault if it is a template.
    package static func plainValue(_ candidate: VariableCandidate) throws(Faults) -> Value {
        let node = candidate.node
        if let text = node.text, !node.isUnsafe, text.contains("{{") || text.contains("{%") {
            throw Faults(
                Diagnostic(
                    "template", "a template where a plain value is needed", at: node.place,
                    exitCode: .hostFailed))
        }
        return node.value
    }
}

private struct ConnectionReading {
    let variables: HostVariables
    let evaluate: (VariableCandidate) throws(Faults) -> Value
    var faults: [Diagnostic] = []
    var origins: [String: Place] = [:]

    init(
        _ variables: HostVariables,
        _ evaluate: @escaping (VariableCandidate) throws(Faults) -> Value
    ) {
        self.variables = variables
        self.evaluate = evaluate
    }

    var connection: ConnectionVariables {
        mutating get {
            refuseUnsupported()
            var made = ConnectionVariables(address: variables.host)
            made.kind = kind() ?? .ssh
            if let address = text(ConnectionNames.address) { made.address = address }
            made.port = integer(ConnectionNames.port, in: 1...65_535)
            made.user = text(ConnectionNames.user)
            made.privateKeyFile = text(ConnectionNames.privateKeyFile)
            made.connectTimeoutSeconds = integer(ConnectionNames.timeout, in: 1...86_400)
            made.become = boolean(ConnectionNames.become)
            refuseOtherBecome()
            made.sshArguments = sshArguments()
            made.origins = origins
            return made
        }
    }

    private mutating func fault(
        _ name: String, _ what: String, _ place: Place?, cause: String? = nil, hint: String? = nil
    ) {
        faults.append(
            Diagnostic(
                "connection-variable", "host \(variables.host): \(name) \(what)", at: place,
                cause: cause, hint: hint, exitCode: .hostFailed))
    }

    private mutating func refuseUnsupported() {
        for name in variables.names.sorted() {
            guard let hint = ConnectionNames.refusal(of: name),
                let winner = variables.winner(name), !winner.node.isNull
            else { continue }
            if name.hasSuffix("host_key_checking"), winner.node.value == .bool(true) { continue }
            fault(name, "is not supported", winner.origin, hint: hint)
        }
    }

    /// The first of these variables that is given and not null, with its value.
    private mutating func value(
        _ names: [String]
    ) -> (name: String, value: Value, place: Place)? {
        for name in names {
            guard let winner = variables.winner(name), !winner.node.isNull else { continue }
            // `user: {name: …}` is an unrelated variable with the same name.
            if !name.hasPrefix("ansible_"), winner.node.scalar == nil { continue }
            if winner.node.isVault {
                fault(
                    name, "is encrypted by Ansible's vault", winner.origin,
                    cause: "muster cannot open it", hint: "give the value in plain text")
                return nil
            }
            do {
                let value = try evaluate(winner)
                if value == .null { continue }
                origins[name] = winner.origin
                return (name, value, winner.node.place)
            } catch {
                faults += error.all.map { fault in
                    var fault = fault
                    fault.summary = "host \(variables.host): \(name): \(fault.summary)"
                    fault.exitCode = .hostFailed
                    return fault
                }
                return nil
            }
        }
        return nil
    }

    private mutating func text(_ names: [String]) -> String? {
        guard let found = value(names) else { return nil }
        switch found.value.revealed {
        case .string(let text) where !text.isEmpty: return text
        case .integer(let number): return String(number)
        case let other:
            fault(
                found.name, "must be text, not \(other == .string("") ? "empty" : other.kindText)",
                found.place)
            return nil
        }
    }

    private mutating func integer(_ names: [String], in range: ClosedRange<Int>) -> Int? {
        guard let found = value(names) else { return nil }
        var number: Int?
        switch found.value.revealed {
        case .integer(let value): number = value
        case .string(let text): number = Int(text)
        default: break
        }
        if let number, range.contains(number) { return number }
        fault(
            found.name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)",
            found.place)
        return nil
    }

    private mutating func boolean(_ names: [String]) -> Bool? {
        guard let found = value(names) else { return nil }
        switch found.value.revealed {
        case .bool(let value): return value
        case .integer(0): return false
        case .integer(1): return true
        case .string(let text):
            switch text.lowercased() {
            case "y", "yes", "on", "1", "true", "t": return true
            case "n", "no", "off", "0", "false", "f": return false
            default: break
            }
        default: break
        }
        fault(found.name, "must be true or false", found.place)
        return nil
    }

    private mutating func kind() -> ConnectionVariables.Kind? {
        guard let found = value(ConnectionNames.connection) else { return nil }
        let builtin = "ansible.builtin."
        var name = ""
        if case .string(let text) = found.value.revealed {
            name = text.hasPrefix(builtin) ? String(text.dropFirst(builtin.count)) : text
        }
        switch name {
        case "ssh", "smart", "paramiko", "paramiko_ssh": return .ssh
        case "local": return .local
        default:
            fault(
                found.name, "is \"\(name)\"", found.place,
                cause: "muster reaches hosts over SSH, or this machine itself",
                hint:
                    "use ssh or local, or leave the host out with a pattern: all:!\(variables.host)"
            )
            return nil
        }
    }

    private mutating func refuseOtherBecome() {
        if let user = text(ConnectionNames.becomeUser), user != "root" {
            fault(
                "ansible_become_user", "is \"\(user)\"", origins["ansible_become_user"],
                cause: "muster-agent runs as root", hint: "remove it, or set it to root")
        }
        if let method = text(ConnectionNames.becomeMethod),
            method != "sudo" && method != "ansible.builtin.sudo"
        {
            fault(
                "ansible_become_method", "is \"\(method)\"", origins["ansible_become_method"],
                cause: "muster becomes root through sudo -n only",
                hint: "use sudo, or log in as root"
            )
        }
    }

    private mutating func sshArguments() -> SSHArguments {
        var arguments = SSHArguments()
        for name in ConnectionNames.sshArguments {
            guard let found = value([name]) else { continue }
            guard case .string(let text) = found.value.revealed else {
                fault(name, "must be text, not \(found.value.kindText)", found.place)
                continue
            }
            do {
                let known = arguments.unknown.count
                arguments.add(try ShellWords.split(text, comments: false).map(\.text))
                for word in arguments.unknown.dropFirst(known) {
                    fault(
                        name, "has the argument \"\(word)\", which muster does not know",
                        found.place,
                        hint: "use -o Name=value, -J, -i, -p, -l or -F, or ~/.ssh/config")
                }
            } catch {
                fault(name, "cannot be read: \(error.text)", found.place)
            }
        }
        return arguments
    }
}
