import FleetModel
import Kinds
import Linux
import TestSupport
import Testing
import Wire

@testable import Resources

/// One case of a resource kind.
///
/// From `Tests/Fixtures/Resources/KIND/CASE.json`:
///
///     {"why": "what it shows",
///      "before": {machine}, "programs": [programs], "kernel_refuses": {"/proc/sys/x": 22},
///      "systemd": {"NAME": {properties}},
///      "resource": {"name": "…", "attributes": {…}}, "blobs": ["text", …],
///      "wants_content": false,
///      "diff": {"as_declared": "reason"} or {"changes": [change, …]} or {"not_applicable": "…"}
///              or {"unknown": "…"} or {"blocked": "cannot …"} or {"fault": "cannot …"}
///              or {"pending": "reason", "changes": […]},
///      "findings": ["…"],
///      "apply_fault": "cannot …", "after": {machine}, "again": "reason"}
///
/// The machine is described as ``FakeMachine/init(tree:programs:)`` has it, and has users and groups.
/// Attributes take their defaults from the schema; `content` becomes a digest and a blob, where the
/// kind has one, and `{"secret_text": "…"}` a secret. `systemd` is as ``FakeSystemd`` has it.
/// `chrony` is as ``FakeChrony`` has it, `grub` is as ``FakeGrub`` has it, `onload` as ``FakeOnload`` has it, `network` as ``FakeNetwork`` has it, and each of `drivers`, by link, as ``FakeDriver`` has it, which
/// are as `drivers_after` says afterwards; `facts` are those of the host; `kept` are the attributes that the boot unit keeps already. `after` is what the machine is afterwards, as far as it says;
/// `again` is the second difference, "as declared" or `{"pending": "reason"}`, unless apply fails.
struct ResourceFixture: Sendable, CustomTestStringConvertible {
    let kind: Kind
    let caseName: String

    static let folder = Repository.fixtures("Resources")

    /// Every case of every kind, found by listing.
    static let all: [ResourceFixture] = Kind.allCases.flatMap { kind in
        Repository.names(in: "\(folder)/\(kind.rawValue)", ending: ".json")
            .map { ResourceFixture(kind: kind, caseName: $0) }
    }

    var testDescription: String { "\(kind.rawValue)/\(caseName)" }

    func read() throws -> FixtureContent {
        let path = "\(ResourceFixture.folder)/\(kind.rawValue)/\(caseName).json"
        let bytes = try LocalMachine().read(path, limit: 1 << 20)
        return try FixtureContent(try JSON(parsing: bytes), kind: kind)
    }
}

/// A fixture read: what there is, what is declared, what is expected.
struct FixtureContent {
    let json: JSON
    let kind: Kind
    let name: String
    let attributes: [String: JSON]
    let blobs: [Digest: [UInt8]]
    /// Texts that must be shown nowhere.
    let secrets: [String]

    private static let known: Set<String> = [
        "why", "before", "programs", "kernel_refuses", "state_directory", "resource", "blobs",
        "wants_content", "diff",
        "apply_fault", "after", "again", "systemd", "grub", "kept", "findings", "facts",
        "drivers", "drivers_after", "onload", "network", "chrony", "now",
    ]

    init(_ json: JSON, kind: Kind) throws {
        self.json = json
        self.kind = kind
        for key in (json.object ?? [:]).keys where !FixtureContent.known.contains(key) {
            throw FixtureError("unknown member \(key)")
        }
        guard let name = json["resource"]?["name"]?.string, json["diff"] != nil, json["why"] != nil
        else { throw FixtureError("a fixture has why, resource.name and diff") }
        self.name = name
        var attributes = json["resource"]?["attributes"]?.object ?? [:]
        var blobs: [Digest: [UInt8]] = [:]
        for text in (json["blobs"]?.array ?? []).compactMap(\.string) {
            blobs[Digest(of: text.utf8)] = Array(text.utf8)
        }
        var secrets: [String] = []
        if attributes["content_secret"] == true, let text = attributes["content"]?.string {
            secrets.append(text)
        }
        for (name, value) in attributes {
            guard let text = value["secret_text"]?.string else { continue }
            let digest = Digest(of: text.utf8)
            blobs[digest] = Array(text.utf8)
            attributes[name] = ["secret": .string(digest.description)]
            secrets.append(text)
        }
        let withContent: [Kind] = [
            .file, .unit, .package, .packageRepository, .onload, .nicFirmware,
        ]
        if withContent.contains(kind), let text = attributes.removeValue(forKey: "content")?.string
        {
            let digest = Digest(of: text.utf8)
            blobs[digest] = Array(text.utf8)
            attributes["content_digest"] = .string(digest.description)
            attributes["content_size"] = .integer(text.utf8.count)
        }
        // What the compiler makes of a policy is what a plan has.
        for schema in kind.schema.attributes
        where attributes[schema.name] == nil && kind != .cpuIsolation {
            attributes[schema.name] = schema.defaultValue
        }
        self.attributes = attributes
        self.blobs = blobs
        self.secrets = secrets
    }

    func machine() throws -> FakeMachine {
        let machine = try FakeMachine(tree: [
            "/etc/passwd": .string(FixtureContent.passwd),
            "/etc/group": .string(FixtureContent.group),
        ])
        if kind.isKept { machine.makeReadyToKeep() }
        try machine.put(tree: json["before"] ?? [:])
        try machine.add(programs: json["programs"] ?? [])
        if let units = json["systemd"] { FakeSystemd(units).install(on: machine) }
        if let grub = json["grub"] { FakeGrub(grub).install(on: machine) }
        if let network = json["network"] { FakeNetwork(network).install(on: machine) }
        if let onload = json["onload"] { try FakeOnload(onload).install(on: machine) }
        machine.chrony = json["chrony"].map(FakeChrony.init)
        for (link, driver) in json["drivers"]?.object ?? [:] {
            machine.drivers[link] = try FakeDriver(driver)
        }
        if let kept = json["kept"]?.object,
            let declaration = try kind.declaration(name: name, attributes: kept)
                as? any BootKeptDeclaration
        {
            try BootSettings.put(declaration, on: host(machine))
            machine.forgetCalls()
        }
        let refusals = json["kernel_refuses"]?.object ?? [:]
        machine.onKernelWrite = { path, _ in Int32(refusals[path]?.integer ?? 0) }
        return machine
    }

    func host(_ machine: FakeMachine, kept: KeptBlobs = KeptBlobs()) -> Host {
        let host = Host(
            machine: machine, wantsContent: json["wants_content"]?.bool ?? false,
            blob: { (digest) throws(AgentFault) in
                guard let blob = blobs[digest] else {
                    throw AgentFault(
                        "no-blob", "get a blob", cause: "the fixture has none \(digest)")
                }
                return blob
            },
            keep: { (content) throws(AgentFault) in
                let digest = Digest(of: content)
                kept.blobs[digest] = content
                return digest
            })
        host.settle = {}
        let now = json["now"]?.double ?? Double(FakeMachine.now) / 1e9
        host.now = { now }
        let facts = json["facts"] ?? .null
        host.facts = { _, _ in facts }
        if let directory = json["state_directory"]?.string { host.stateDirectory = directory }
        return host
    }

    private static let passwd = """
        root:x:0:0:root:/root:/bin/bash
        nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
        trader:x:1001:1001::/home/trader:/bin/bash

        """
    private static let group = """
        root:x:0:
        adm:x:4:
        trading:x:1001:trader

        """
}

extension Kind {
    /// Whether its settings are kept by the boot unit.
    fileprivate var isKept: Bool { declarationType is any BootKeptDeclaration.Type }
}

extension FakeMachine {
    /// What every host has that the boot unit needs.
    fileprivate func makeReadyToKeep() {
        put("/var/lib/muster/bin/agent", text: "the agent", mode: 0o755)
        put("/proc/self/exe", .link("/var/lib/muster/bin/agent"))
        for folder in ["/usr/local/sbin", "/etc/systemd/system", "/run"] { put(folder, .directory) }
    }
}

/// The contents that before-images kept.
final class KeptBlobs {
    var blobs: [Digest: [UInt8]] = [:]
}

extension Difference {
    /// The form fixtures have.
    var fixtureForm: JSON {
        switch self {
        case .asDeclared(let reason): ["as_declared": .string(reason)]
        case .changes(let changes): ["changes": .array(changes.map(\.fixtureForm))]
        case .pending(let reason, let changes):
            ["pending": .string(reason), "changes": .array(changes.map(\.fixtureForm))]
        case .notApplicable(let reason): ["not_applicable": .string(reason)]
        case .unknown(let reason): ["unknown": .string(reason)]
        case .blocked(let fault): ["blocked": .string(fault.text)]
        }
    }
}

extension Change {
    /// Its JSON without what is usual: the layer persisted, no disruption; a digest in short.
    fileprivate var fixtureForm: JSON {
        var members = json.object ?? [:]
        if layer == .persisted { members["layer"] = nil }
        if disruption == .none { members["disruption"] = nil }
        return .object(members.mapValues(\.shortened))
    }
}

extension JSON {
    /// Whole SHA-256 digests cut to eight digits, so that fixtures can be written by hand.
    fileprivate var shortened: JSON {
        switch self {
        case .string(let text): .string(Digest(text)?.short ?? text)
        case .array(let elements): .array(elements.map(\.shortened))
        case .object(let members): .object(members.mapValues(\.shortened))
        default: self
        }
    }
}
