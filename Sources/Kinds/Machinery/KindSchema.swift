import FleetModel
import Wire

/// One attribute of a resource kind.
package struct AttributeSchema: Sendable {
    package var name: String
    package var type: ValueType
    package var isRequired: Bool
    /// The value used if none is given; nil leaves the attribute unmanaged.
    package var defaultValue: JSON?
    /// One or two sentences for the reference.
    package var summary: String
    /// Whether the controller replaces the attribute: `template`, `source`, `content`.
    package var isResolvedByController: Bool

    package init(
        _ name: String, _ type: ValueType, required: Bool = false, default: JSON? = nil,
        resolvedByController: Bool = false, _ summary: String
    ) {
        self.name = name
        self.type = type
        isRequired = required
        defaultValue = `default`
        isResolvedByController = resolvedByController
        self.summary = summary
    }
}

/// The schema of a resource kind, used by validation, the reference and `muster kinds`.
package struct KindSchema: Sendable {
    package var kind: Kind
    /// One sentence.
    package var summary: String
    /// The properties of the kind that generic code depends on.
    package let traits: KindTraits
    /// The type of the resource's name, and what it names.
    package var nameType: ValueType
    package var nameSummary: String
    /// The values of `state`, the default first.
    ///
    /// They include `absent` if the thing can be removed.
    package var states: [String]
    package var attributes: [AttributeSchema]
    /// Names of attributes that the compiler computes; only plans have them, roles do not.
    package let computedAttributes: [String]
    /// Paragraphs for the reference: what changes cost, what is compared, what is not done.
    package var notes: [String]
    /// An example in YAML; a test checks that it compiles.
    package var example: String

    package init(
        _ kind: Kind, _ summary: String, traits: KindTraits, nameType: ValueType,
        nameSummary: String, states: [String] = ["present", "absent"],
        attributes: [AttributeSchema], computedAttributes: [String] = [], notes: [String] = [],
        example: String
    ) {
        self.kind = kind
        self.summary = summary
        self.traits = traits
        self.nameType = nameType
        self.nameSummary = nameSummary
        self.states = states
        self.attributes = attributes
        self.computedAttributes = computedAttributes
        self.notes = notes
        self.example = example
    }

    /// The attribute of that name; nil if the kind has none.
    package func attribute(_ name: String) -> AttributeSchema? {
        attributes.first { $0.name == name }
    }

    /// Whether a resource in a plan may have an attribute of that name.
    package func mayPlan(_ name: String) -> Bool {
        if attribute(name) != nil || computedAttributes.contains(name) { return true }
        if name == "state" { return !states.isEmpty }
        return ResolvedContent.attributes.contains(name)
            && attributes.contains(where: \.isResolvedByController)
    }

    /// Whether these attributes declare that something must not exist.
    package func isAbsent(_ attributes: [String: JSON]) -> Bool {
        guard let state = attributes["state"]?.string, states.contains(state) else { return false }
        return ["absent", "purged"].contains(state)
    }
}

/// Something that a resource owns or needs on its host.
///
/// Conflicts and the implicit order are derived from claims.
package enum Claim: Sendable, Hashable {
    case path(String)
    /// One line of a file; other resources may own its other lines.
    case linePattern(path: String, key: String)
    case sysctl(String)
    /// A unit file, by the unit's full name: `feed-handler.service`.
    case unit(String)
    /// Whether a unit runs, is enabled or is masked; by its full name.
    case service(String)
    case package(String)
    /// The package sources: every repository provides them, every package needs them.
    case packageSources
    case packageRepository(String)
    case user(String)
    case group(String)
    case authorizedKey(user: String, key: String)
    case command(String)
    /// A named set of kernel parameters.
    case kernelCmdline(String)
    /// What a set sets: a key, or the whole text of a repeatable parameter.
    case kernelParameter(String)
    /// A group of files in /sys or /proc, described by a text: `huge pages of 2048 kB`.
    case knobs(String)
    /// The queues and interrupts of network cards after their setup.
    case networkCards
    /// The addresses, routes and bond members of a network interface, by its name.
    case networkInterface(String)

    /// For messages: `the path /etc/motd`.
    package var text: String {
        switch self {
        case .path(let path): "the path \(path)"
        case .linePattern(let path, let key): "the line \(key) of \(path)"
        case .sysctl(let key): "the kernel parameter \(key)"
        case .unit(let name): "the unit \(name)"
        case .service(let name): "the state of the unit \(name)"
        case .package(let name): "the package \(name)"
        case .packageSources: "the package sources"
        case .packageRepository(let name): "the package repository \(name)"
        case .user(let name): "the user \(name)"
        case .group(let name): "the group \(name)"
        case .authorizedKey(let user, _): "a key of the user \(user)"
        case .command(let name): "the command \(name)"
        case .kernelCmdline(let name): "the set \(name) of kernel parameters"
        case .kernelParameter(let key): "the boot parameter \(key)"
        case .knobs(let what): what
        case .networkCards: "the network cards"
        case .networkInterface(let name): "the addresses of the interface \(name)"
        }
    }
}

/// A fault in a resource's attributes that is found without looking at a host.
package struct AttributeFault: Error, Sendable, Equatable {
    /// The faulty attribute; nil if the fault is in the whole resource.
    package let attribute: String?
    package let message: String
    package let hint: String?

    package init(_ attribute: String?, _ message: String, hint: String? = nil) {
        self.attribute = attribute
        self.message = message
        self.hint = hint
    }
}

/// A resource of one kind, its attributes read into Swift types.
package protocol ResourceDeclaration: Sendable {
    /// What the kind is.
    static var schema: KindSchema { get }

    /// Reads a name and attributes, which have the types of the schema and include defaults.
    ///
    /// The controller has already resolved content: `file` sees `content_digest` and
    /// `content_size`. Throws if attributes contradict each other or the name. Does not access any
    /// machine.
    init(name: String, attributes: [String: JSON]) throws(AttributeFault)

    /// The claims that the resource owns: no other resource of the host may own the same.
    var owns: [Claim] { get }

    /// The claims that the resource provides without owning them: several may provide the same.
    var provides: [Claim] { get }

    /// The claims that must be applied first, if another resource of the plan has them.
    var needs: [Claim] { get }

    /// The directory from which undeclared entries are removed; nil if there is none.
    var purgedDirectory: String? { get }

    /// The resource's part in distributing NIC interrupts over CPUs; nil if it has none.
    var interrupts: InterruptShare? { get }

    /// Whether the resource still holds if a manager, configured by the plan, sets the same.
    func agrees(with manager: OtherManager) -> Bool
}

extension ResourceDeclaration {
    package var provides: [Claim] { [] }
    package var needs: [Claim] { [] }
    package var purgedDirectory: String? { nil }
    package var interrupts: InterruptShare? { nil }
    package func agrees(with manager: OtherManager) -> Bool { true }
}

/// A resource's part in the number of NIC interrupts and of the CPUs for them.
package enum InterruptShare: Sendable, Equatable {
    /// All interrupts must go to these CPUs.
    case room(CPUList)
    /// The number of queues; the interrupt of each should have a CPU of its own.
    case queues(Int)
}
