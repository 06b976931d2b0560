import FleetModel
import Wire

/// One attribute of a resource kind.
package struct AttributeSchema: Sendable {
    package var name: String
    package var type: ValueType
    package var isRequired: Bool
    /// The value where it is not given; nil leaves the attribute unmanaged.
    package var defaultValue: JSON?
    /// One or two sentences for the reference.
    package var summary: String
    /// Whether the controller turns it into something else: `template`, `source`, `content`.
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

/// What a resource kind is: the source of validation, of the reference, and of `muster kinds`.
package struct KindSchema: Sendable {
    package var kind: Kind
    /// One sentence.
    package var summary: String
    /// What is peculiar about it.
    package let traits: KindTraits
    /// The type of the resource's name, and what it names.
    package var nameType: ValueType
    package var nameSummary: String
    /// The values of `state`, the default first.
    ///
    /// `absent` where the thing can be removed.
    package var states: [String]
    package var attributes: [AttributeSchema]
    /// Names of attributes that only plans have: the compiler computes them, nobody writes them.
    package let computedAttributes: [String]
    /// What changes cost, what is compared, what is not done: paragraphs for the reference.
    package var notes: [String]
    /// YAML that compiles; the tests hold it to that.
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

    /// The attribute of that name, nil where the kind has none.
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

    /// Whether a resource with these attributes makes sure that something is not there.
    package func isAbsent(_ attributes: [String: JSON]) -> Bool {
        guard let state = attributes["state"]?.string, states.contains(state) else { return false }
        return ["absent", "purged"].contains(state)
    }
}

/// What a resource owns or needs on its host: the ground for conflicts and for implicit order.
package enum Claim: Sendable, Hashable {
    case path(String)
    /// One line of a file that others may own other lines of.
    case linePattern(path: String, key: String)
    case sysctl(String)
    /// A unit file, by the unit's full name: `feed-handler.service`.
    case unit(String)
    /// Whether a unit runs, is enabled, is masked; by its full name.
    case service(String)
    case package(String)
    /// What packages come from; every repository provides it, every package needs it.
    case packageSources
    case packageRepository(String)
    case user(String)
    case group(String)
    case authorizedKey(user: String, key: String)
    case command(String)
    /// A set of kernel parameters, and what it sets: a key, or one of several that may be repeated.
    case kernelCmdline(String)
    case kernelParameter(String)
    /// Files of /sys or /proc that belong together, in words: `huge pages of 2048 kB`.
    case knobs(String)
    /// Queues and interrupts as cards have them once they are set up.
    case networkCards
    /// Addresses, routes and members of an interface, by its name.
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

/// A fault in a resource's attributes that needs no host to be seen.
package struct AttributeFault: Error, Sendable, Equatable {
    /// The attribute at fault; nil for the resource as a whole.
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

    /// Reads a name and attributes that have the types of the schema, defaults filled in.
    ///
    /// Attributes resolved by the controller have been: `file` sees `content_digest` and `size`.
    /// Throws where they contradict each other or the name. Looks at no machine.
    init(name: String, attributes: [String: JSON]) throws(AttributeFault)

    /// What it owns: no other resource of the host may claim the same.
    var owns: [Claim] { get }

    /// What it brings about without owning it: several resources may provide the same.
    var provides: [Claim] { get }

    /// What must be there first, where something else in the plan owns or provides it.
    var needs: [Claim] { get }

    /// The directory from which it removes what nothing declares; nil where it removes nothing.
    var purgedDirectory: String? { get }

    /// What it has to do with interrupts of network cards; nil where nothing.
    var interrupts: InterruptShare? { get }

    /// Whether a manager that the plan configures may go on setting the same.
    func agrees(with manager: OtherManager) -> Bool
}

extension ResourceDeclaration {
    package var provides: [Claim] { [] }
    package var needs: [Claim] { [] }
    package var purgedDirectory: String? { nil }
    package var interrupts: InterruptShare? { nil }
    package func agrees(with manager: OtherManager) -> Bool { true }
}

/// Interrupts of network cards, and the CPUs that are left for them.
package enum InterruptShare: Sendable, Equatable {
    /// Interrupts are to go to these CPUs alone.
    case room(CPUList)
    /// So many queues, each with an interrupt that wants a CPU of its own.
    case queues(Int)
}
