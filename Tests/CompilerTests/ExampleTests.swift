import Compiler
import Diagnostics
import FleetModel
import Inventory
import Kinds
import Linux
import TestSupport
import Testing
import Wire

/// What the repository shows people compiles, without a fault and without a warning.
@Suite struct ExampleTests {
    static let fleets = [".", "Examples/quickstart", "Examples/low-latency-host"]

    /// A fleet directory of this repository, read from the disk.
    static func load(_ fleet: String) throws -> (FleetSources, [Diagnostic]) {
        let root = PathName.join(Repository.root, fleet)
        let loaded = try FleetInventory.load(
            fleetDirectory: root, sources: [], machine: LocalMachine())
        let sources = try FleetSources.load(files: files(in: root), inventory: loaded.inventory)
        return (sources, loaded.warnings + sources.warnings)
    }

    private static func files(in root: String) -> FleetFiles {
        return FleetFiles(
            read: { (path) throws(FleetFileFault) in
                do throws(SystemError) {
                    return try LocalMachine().read(PathName.join(root, path), limit: 1 << 20)
                } catch {
                    throw error.isNotFound ? .missing : .unreadable(error.reason)
                }
            },
            list: { (path) throws(FleetFileFault) in
                let folder = PathName.join(root, path)
                do throws(SystemError) {
                    var entries: [FleetFiles.Entry] = []
                    for name in try LocalMachine().list(folder) {
                        let status = try LocalMachine().status(
                            PathName.join(folder, name), followLinks: true)
                        entries.append(
                            FleetFiles.Entry(name, isFolder: status.type == .directory))
                    }
                    return entries
                } catch {
                    throw error.isNotFound ? .missing : .unreadable(error.reason)
                }
            })
    }

    @Test(arguments: fleets)
    func compiles(_ fleet: String) throws {
        let (sources, warnings) = try Self.load(fleet)
        #expect(warnings.map(\.text) == [])
        let compiler = try Compiler(sources)
        let hosts = sources.inventory.hosts
        try #require(!hosts.isEmpty)
        let facts = HostFactsInput(hardware: Self.machine)
        compiler.compile(hosts: hosts, facts: { _ in facts }) { result in
            #expect(result.diagnostics.map(\.text) == [])
            guard let plan = result.plan else { return }
            #expect(!plan.resources.isEmpty)
            #expect(PlanChecker.check(plan).map(\.description) == [])
        }
    }

    /// Every role of the repository itself is carried by some host and says what it is.
    @Test(arguments: fleets)
    func rolesAreCarriedAndExplained(_ fleet: String) throws {
        let (sources, _) = try Self.load(fleet)
        let compiler = try Compiler(sources)
        let carried = Set(sources.inventory.hosts.flatMap(compiler.roles))
        #expect(carried == Set(sources.roles.map(\.name)))
        for role in sources.roles {
            #expect(!role.summary.isEmpty, "\(role.name) has no description")
        }
        guard fleet == "." else { return }
        for role in sources.roles {
            let readme = "\(Repository.root)/Roles/\(role.name)/README.md"
            let text = try LocalMachine().textIfPresent(readme) ?? ""
            for parameter in role.parameters {
                #expect(
                    text.contains("`\(parameter.name)`"),
                    "\(readme) does not tell of \(parameter.name)")
            }
        }
    }

    /// The quickstart shows what the demo walks through.
    @Test func quickstartShowsTheKinds() throws {
        let (sources, _) = try Self.load("Examples/quickstart")
        let compiler = try Compiler(sources)
        let result = compiler.compile(host: try #require(sources.inventory.hosts.first))
        let plan = try #require(result.plan)
        let kinds = Set(plan.resources.map(\.kind))
        #expect(
            kinds.isSuperset(of: [
                .file, .directory, .symlink, .line, .sysctl, .package, .service, .unit, .user,
                .group,
            ]))
        #expect(!plan.handlers.isEmpty)
        // Lab hosts have no other sysctls of their own.
        for resource in plan.resources where resource.kind == .sysctl {
            #expect(resource.name.hasPrefix("net."))
        }
    }

    /// Two nodes of two cores, and the card that examples speak of.
    private static let machine: JSON = [
        "cpu": [
            "online": "0-7", "siblings": ["0-1", "2-3", "4-5", "6-7"],
            "packages": ["0": "0-3", "1": "4-7"],
        ],
        "numa": ["0": ["cpus": "0-3"], "1": ["cpus": "4-7"]],
        "nics": ["ens1f0": ["numa_node": 1, "local_cpus": "4-7"]],
        "kernel": ["release": "6.1.0-1-amd64"], "unknown": [:],
    ]

    /// The example of every kind's reference compiles as it stands.
    @Test(arguments: Kind.allCases)
    func exampleCompiles(_ kind: Kind) throws {
        var fixture = FleetFixture()
        fixture.files = [
            ("Inventory/hosts.yaml", "all: {hosts: {a: }}\n"),
            ("Inventory/site.yaml", "- hosts: all\n  roles: [example]\n"),
            (
                "Roles/example/role.yaml",
                "resources:\n"
                    + kind.schema.example.split(separator: "\n").map { "  \($0)\n" }.joined()
            ),
        ]
        do throws(Faults) {
            let result = try Compiler(try fixture.load()).compile(
                host: "a", facts: HostFactsInput(hardware: Self.machine))
            #expect(result.diagnostics.map(\.text) == [])
            #expect(result.plan?.resources.map(\.kind).contains(kind) == true)
        } catch {
            Issue.record("\(error.all.map(\.text).joined(separator: "\n"))")
        }
    }

    /// No attribute has the name of what every resource has, nor of a kind that could be meant: a key
    /// says one thing.
    @Test(arguments: Kind.allCases)
    func attributeNamesAreTheirOwn(_ kind: Kind) {
        let others = Kind.allCases.filter { $0.schema.attribute(kind.rawValue) != nil }
        let taken = Set(others.map(\.rawValue)).union([
            "id", "when", "for_each", "as", "requires", "notify", "severity", "tags", "kind",
            "name",
        ])
        #expect(kind.schema.attributes.map(\.name).filter(taken.contains) == [])
    }
}
