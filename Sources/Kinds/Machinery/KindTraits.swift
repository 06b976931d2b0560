/// Properties of a kind, for generic code that does not name any kind.
///
/// Traits without a default must be given for every kind: a forgotten trait would change the
/// behaviour on hosts, and the tests of the kind would not detect it.
package struct KindTraits: Sendable {
    /// What applying a resource may change on its host.
    package enum Changes: Sendable {
        /// Only what its claims name.
        case claims
        /// Anything, because it runs programs whose effects are not known.
        case anything
    }

    /// What the state of a resource, and the success of its change, may depend on.
    package enum Reads: Sendable {
        /// Only what its claims name.
        case claims
        /// Also the unit files that systemd has loaded, because it starts or stops units.
        case units
        /// Anything on the host.
        case anything
    }

    /// The rule by which two names mean the same resource.
    package enum NameForm: Sendable {
        /// If they are the same text.
        case exact
        /// Also if they differ only by a final `/`.
        case path
        /// Also if one of them omits the unit type `.service`.
        case unitName

        /// Whether two names mean the same resource.
        package func isSame(_ left: String, _ right: String) -> Bool {
            if left == right { return true }
            switch self {
            case .exact: return false
            case .path: return NameForm.trimmed(left) == NameForm.trimmed(right)
            case .unitName: return UnitName.full(left) == UnitName.full(right)
            }
        }

        private static func trimmed(_ path: String) -> Substring {
            path.count > 1 && path.hasSuffix("/") ? path.dropLast() : path[...]
        }
    }

    /// What remains on a host when a resource is no longer declared.
    package enum Remains: Sendable {
        /// Something that is listed as orphaned.
        case listed
        /// Nothing that could be listed by its name.
        case nothing
    }

    /// How one resource of a role becomes several in a plan; the compiler implements this.
    package enum Expansion: Sendable, CaseIterable {
        /// Into the CPUs of the host and all settings that must agree with them.
        case isolation
    }

    /// What a handler of the kind does.
    package enum HandlerForm: Sendable {
        /// Starts, stops, restarts or reloads the unit that it names.
        case unitAction
        /// Runs a program.
        case program
    }

    package let changes: Changes
    package let reads: Reads
    /// The rule by which two names mean the same resource.
    package let names: NameForm
    /// What remains when the resource is no longer declared.
    package let remains: Remains
    /// Other managers that set the same things and would undo the declaration.
    package let rivals: Set<OtherManager>
    /// The manager that the kind configures; it is not a rival of resources that agree with it.
    package let configures: OtherManager?
    /// Nil if a resource is not expanded.
    package let expansion: Expansion?
    /// Nil if the kind cannot be a handler.
    package let handler: HandlerForm?
    /// Whether an owned path is a file of which the resource owns every line.
    package let ownsWholeFiles: Bool

    package init(
        changes: Changes, reads: Reads, names: NameForm, remains: Remains,
        rivals: Set<OtherManager>, configures: OtherManager? = nil, expansion: Expansion? = nil,
        handler: HandlerForm? = nil, ownsWholeFiles: Bool = true
    ) {
        self.changes = changes
        self.reads = reads
        self.names = names
        self.remains = remains
        self.rivals = rivals
        self.configures = configures
        self.expansion = expansion
        self.handler = handler
        self.ownsWholeFiles = ownsWholeFiles
    }
}

/// A daemon or boot script other than muster that also changes kernel settings.
package enum OtherManager: String, Sendable, CaseIterable {
    case tuned
    case irqbalance
    case powerProfilesDaemon = "power-profiles-daemon"
    case thermald
    case cpufreqd
    case cpupower
    case cpufrequtils
    case tlp
    case numad
    case ksmtuned
}
