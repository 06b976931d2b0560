import Diagnostics
import FleetModel
import Kinds
import Transport
import Wire
import YAML

/// `Inventory/settings.yaml`: how hosts are reached and what a run may take.
///
/// Every key is optional.
package struct Settings: Sendable, Equatable {
    /// The login name if neither inventory nor ssh_config gives one.
    package var user: String?
    package var way = SSHTarget.Way.automatic
    package var connectTimeoutSeconds = 10.0
    /// The user's ssh_config; nil: `~/.ssh/config`, "none": read none.
    package var sshConfig: String?
    /// Files to use instead of `~/.ssh/known_hosts`.
    package var knownHosts: [String] = []
    package var strictHostKeyChecking: SSHTarget.StrictHostKeyChecking?
    /// How many connections may use one jump host at once.
    package var widthPerJumpHost = 32
    /// Where the agent and its state live on hosts.
    package var agentDirectory = AgentDirectory.standard
    /// An agent program, or a folder of `muster-agent-ARCH`; nil: beside this program.
    package var agentPath: String?
    /// How many hosts are worked on at once.
    package var width = 64
    /// The deadline of one host's run, in seconds.
    package var deadlineSeconds = 600
    /// Seconds that a host may take to come back from a reboot.
    package var rebootSeconds = 900
    /// The time limit of one inventory executable, in seconds; nil: the inventory's own limit.
    package var inventoryScriptSeconds: Double?

    package init() {}

    /// Reads the file; nil means that there is no file.
    ///
    /// Reports all faults together.
    package static func read(_ source: SourceText?) throws(Faults) -> Settings {
        var settings = Settings()
        guard let source, let node = try YAMLReader.parse(source) else { return settings }
        var reader = SettingsReader()
        reader.section(node, name: "settings.yaml", keys: topKeys) { key, value, reader in
            switch key {
            case "ssh":
                reader.section(value, name: "ssh", keys: sshKeys) { key, value, reader in
                    settings.readSSH(key, value, &reader)
                }
            case "limits":
                reader.section(value, name: "limits", keys: limitKeys) { key, value, reader in
                    settings.readLimit(key, value, &reader)
                }
            case "agent_dir":
                if let path = reader.read(value, as: .path)?.string {
                    settings.agentDirectory = path
                }
            case "agent_path": settings.agentPath = reader.read(value, as: .string)?.string
            default: break
            }
        }
        try reader.bag.throwIfErrors()
        return settings
    }

    private static let topKeys = ["ssh", "limits", "agent_dir", "agent_path"]
    private static let sshKeys = [
        "user", "transport", "connect_timeout", "config", "known_hosts",
        "strict_host_key_checking", "connections_per_jump_host",
    ]
    private static let limitKeys = ["forks", "deadline", "reboot", "inventory_script"]

    private mutating func readSSH(_ key: String, _ node: Node, _ reader: inout SettingsReader) {
        switch key {
        case "user": user = reader.read(node, as: .string)?.string
        case "transport":
            let names = SSHTarget.Way.allCases.map(\.rawValue)
            if let name = reader.read(node, as: .oneOf(names))?.string,
                let way = SSHTarget.Way(rawValue: name)
            {
                self.way = way
            }
        case "connect_timeout":
            if let seconds = reader.read(node, as: .duration)?.double {
                connectTimeoutSeconds = seconds
            }
        case "config": sshConfig = reader.read(node, as: .string)?.string
        case "known_hosts":
            knownHosts = (node.list ?? [node]).compactMap { reader.read($0, as: .string)?.string }
        case "strict_host_key_checking":
            // ssh_config uses yes and no, which YAML may read as booleans; the written text is
            // used.
            guard let text = node.text, let choice = SSHTarget.StrictHostKeyChecking(rawValue: text)
            else {
                reader.bag.add(
                    Diagnostic(
                        "wrong-type", "strict_host_key_checking is yes, accept-new or no",
                        at: node.place))
                return
            }
            strictHostKeyChecking = choice
        default:
            if let count = reader.read(node, as: .integer(minimum: 1))?.integer {
                widthPerJumpHost = count
            }
        }
    }

    private mutating func readLimit(_ key: String, _ node: Node, _ reader: inout SettingsReader) {
        if key == "forks" {
            if let count = reader.read(node, as: .integer(minimum: 1))?.integer { width = count }
        } else if let seconds = reader.read(node, as: .duration)?.double {
            if key == "inventory_script" {
                inventoryScriptSeconds = max(1, seconds)
                return
            }
            if key == "reboot" {
                rebootSeconds = max(1, Int(seconds))
                return
            }
            deadlineSeconds = max(1, Int(seconds))
        }
    }
}

/// Reads maps of known keys and collects faults.
private struct SettingsReader {
    var bag = DiagnosticBag()

    mutating func section(
        _ node: Node, name: String, keys: [String],
        _ body: (String, Node, inout SettingsReader) -> Void
    ) {
        guard let entries = node.map else {
            bag.add(
                Diagnostic(
                    "wrong-type", "\(name) is a map, not \(node.kindText)", at: node.place))
            return
        }
        for entry in entries {
            let key = entry.key.text ?? ""
            if keys.contains(key) {
                body(key, entry.value, &self)
            } else {
                bag.add(
                    Diagnostic(
                        "unknown-key", "\(name) has no key \"\(key)\"", at: entry.key.place,
                        hint: NearestName.hint(for: key, in: keys)
                            ?? "its keys are \(keys.joined(separator: ", "))"))
            }
        }
    }

    /// A scalar as a type; nil, with a fault recorded, if it is not of that type.
    mutating func read(_ node: Node, as type: ValueType) -> JSON? {
        guard let scalar = node.scalar, !node.isNull else {
            bag.add(Diagnostic("wrong-type", "a value is missing here", at: node.place))
            return nil
        }
        do throws(ValueFault) {
            return try type.read(text: scalar.text, isQuoted: !scalar.isPlain)
        } catch {
            bag.add(
                Diagnostic("wrong-type", error.message, at: node.place, hint: error.hint))
            return nil
        }
    }
}
