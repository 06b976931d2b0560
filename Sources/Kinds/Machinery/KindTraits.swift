/// What is peculiar about a kind, for code that knows no kind by its name.
///
/// The traits without a default have to be given for every kind: to forget one would change what is
/// done on hosts, and no test of the kind itself would see it.
package struct KindTraits: Sendable {
    /// What a change of a resource may change on its host.
    package enum Changes: Sendable {
        /// What its claims name.
        case claims
        /// Anything: it runs programs of others, and what those do is not known.
        case anything
    }

    /// What the state of a resource, and the success of its change, may depend on.
    package enum Reads: Sendable {
        /// What its claims name.
        case claims
        /// Also the unit files that systemd has loaded, since it starts or stops units.
        case units
        /// Anything on the host.
        case anything
    }

    /// When two written names mean the same thing.
    package enum NameForm: Sendable {
        /// When they are the same text.
        case exact
        /// Also when one of them ends in `/`.
        case path
        /// Also when one of them leaves out the unit's type `.service`.
        case unitName

        /// Whether two names mean the same thing.
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

    /// What stays on a host when nothing declares a resource any more.
    package enum Remains: Sendable {
        /// Something that is then listed as orphaned.
        case listed
        /// Nothing that could be listed by its name.
        case nothing
    }

    /// How one resource of a role becomes several in a plan; the compiler has the rules.
    package enum Expansion: Sendable, CaseIterable {
        /// Into the CPUs of one host and every setting that has to agree with them.
        case isolation
    }

    /// What a handler of the kind does.
    package enum HandlerForm: Sendable {
        /// Starts, stops, restarts or reloads the unit of its name.
        case unitAction
        /// Runs a program.
        case program
    }

    package let changes: Changes
    package let reads: Reads
    /// When two names are the same resource.
    package let names: NameForm
    /// What stays when nothing declares it any more.
    package let remains: Remains
    /// Other managers that set the same, and would undo what is declared.
    package let rivals: Set<OtherManager>
    /// The manager that resources of the kind configure; it is then no rival of what agrees with it.
    package let configures: OtherManager?
    /// Nil where a resource stays one.
    package let expansion: Expansion?
    /// Nil where the kind cannot be a handler.
    package let handler: HandlerForm?
    /// Whether a path that it owns is a file, every line of which is its own.
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

/// A daemon or boot script beside muster that sets things of the kernel too.
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
