import Diagnostics
import YAML

/// The level at which a variable was given: a group or the host.
package enum VariableLevel: Sendable, Hashable {
    case all
    /// `depth` is the length of the longest path from `all`; higher `priority` wins at the same
    /// depth.
    case group(name: String, depth: Int, priority: Int)
    case host

    /// `group all`, `group ld4`, `host`.
    package var text: String {
        switch self {
        case .all: "group all"
        case .group(let name, _, _): "group \(name)"
        case .host: "host"
        }
    }
}

/// One of the values that were given for a variable.
package struct VariableCandidate: Sendable {
    package let node: Node
    /// Where the variable is named: its key.
    package let origin: Place
    package let level: VariableLevel
    /// Whether it comes from a file of group_vars or host_vars, not from the inventory itself.
    package let isFile: Bool
}

/// A variable as an inventory source or a variables file gives it.
struct Assignment: Sendable {
    let name: String
    let node: Node
    let origin: Place
}
