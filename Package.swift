// swift-tools-version: 6.2

import PackageDescription

/// The settings of every Swift target.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The modules that are part of the agent, whose size is limited.
///
/// They do without the parts of the library that have regular expressions and concurrency, which are a
/// seventh of the program: Wire has a search in text. Those that no other program runs are optimised for size.
let inAgent: Set<String> = [
    "Wire", "FleetModel", "Kinds", "Linux", "SystemFaults", "HostFacts", "Resources", "Journal",
    "AgentCore", "muster-agent",
]
let onlyInAgent: Set<String> = [
    "SystemFaults", "HostFacts", "Resources", "Journal", "AgentCore", "muster-agent",
]

/// The agent needs nothing on the host but a kernel: no Swift runtime, no shared library, no NSS.
let fullyStatic: [LinkerSetting] = [
    .unsafeFlags(["-static-executable", "-Xlinker", "-s"])
]

/// The controller contains the Swift runtime, and uses the C libraries of the system.
let swiftRuntimeInside: [LinkerSetting] = [
    .unsafeFlags(["-static-stdlib", "-Xlinker", "-s"], .when(configuration: .release))
]

let package = Package(
    name: "muster",
    products: [
        .executable(name: "muster", targets: ["muster"]),
        .executable(name: "muster-agent", targets: ["muster-agent"]),
    ],
    targets: [
        // MARK: C libraries of the system

        /** YAML parsing. */
        .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
        /** The SSH protocol. */
        .systemLibrary(name: "CSSH2", providers: [.apt(["libssh2-1-dev"])]),
        /** The store's database. */
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        /** SHA-256 and Ed25519. */
        .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"])]),
        /** Compression of the agent for its upload to a host. */
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        /** System calls that Glibc's module map lacks. */
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),

        /** Private key files and signatures, by libcrypto, which comes with libssh2. */
        .target(name: "CKeys", linkerSettings: [.linkedLibrary("crypto")]),

        // MARK: Shared by both programs

        /** Bounded frames, canonical JSON, digests. */
        .target(name: "Wire", dependencies: ["CSodium"]),
        /** The data that both programs share: plan, facts, change, report, messages. */
        .target(name: "FleetModel", dependencies: ["Wire"]),
        /** Schema and claims of every resource kind. */
        .target(name: "Kinds", dependencies: ["FleetModel", "Wire"]),
        /** System calls with typed errors, and the protocol `Machine`, which tests replace by a fake. */
        .target(name: "Linux", dependencies: ["CLinux"]),

        /** What a failed system call means, as text for people; reading files of a host. */
        .target(name: "SystemFaults", dependencies: ["FleetModel", "Linux"]),

        // MARK: The agent

        /** Facts read from a machine or from a copy of its file systems. */
        .target(name: "HostFacts", dependencies: ["Kinds", "FleetModel", "Linux", "Wire"]),
        /** Behaviour of every resource kind: observe, diff, apply, verify. */
        .target(
            name: "Resources",
            dependencies: ["SystemFaults", "Kinds", "FleetModel", "Linux", "Wire"]),
        /** The write-ahead log of an apply. */
        .target(
            name: "Journal",
            dependencies: ["SystemFaults", "FleetModel", "Linux", "CLinux", "Wire"]),
        /** Supervisor, worker, sandbox: a plan in, a report out. */
        .target(
            name: "AgentCore",
            dependencies: [
                "Resources", "HostFacts", "Journal", "SystemFaults", "Kinds", "FleetModel",
                "Linux", "Wire", "CLinux",
            ]),
        .executableTarget(
            name: "muster-agent", dependencies: ["AgentCore"], linkerSettings: fullyStatic),

        // MARK: From files to plans

        /** Source text, places in it, faults and exit codes. */
        .target(name: "Diagnostics", dependencies: ["Wire"]),
        /** The type of value that variables, templates and parameters share. */
        .target(name: "Values", dependencies: ["Diagnostics", "Wire"]),
        /** The only use of libyaml; nodes with their place and text. */
        .target(name: "YAML", dependencies: ["CYAML", "Diagnostics", "Values", "Wire"]),
        /** The strict Jinja subset. */
        .target(name: "Templates", dependencies: ["Diagnostics", "Values", "Wire"]),
        /** Hosts, groups, patterns, and variables with their origin. */
        .target(
            name: "Inventory",
            dependencies: ["YAML", "Templates", "Values", "Diagnostics", "Linux", "Wire"]),
        /** Makes plans from inventory, roles and facts. Pure. */
        .target(
            name: "Compiler",
            dependencies: [
                "Inventory", "Isolation", "Kinds", "YAML", "Templates", "Values", "Diagnostics",
                "FleetModel",
                "Wire",
            ]),

        /** Makes roles from tuned profiles. Pure. */
        .target(name: "TunedImport", dependencies: ["Kinds", "Wire"]),

        /** What each CPU of a machine is used for, and every setting that follows. Pure. */
        .target(name: "Isolation", dependencies: ["Kinds", "Wire"]),

        // MARK: From the controller to hosts

        /** ssh_config and known_hosts, read as OpenSSH reads them. Pure. */
        .target(name: "SSHConfig", dependencies: ["Wire"]),
        /** SSH sessions on one event loop; bytes and exit status, no plans. */
        .target(
            name: "Transport",
            dependencies: ["CSSH2", "CKeys", "SSHConfig", "Linux", "CLinux", "Wire"]),
        /** A run as people and programs see it: the plan joined with the reports. */
        .target(name: "Views", dependencies: ["FleetModel", "Wire"]),
        /** A run over many hosts as a state machine, with its brakes and deadlines. Pure. */
        .target(name: "Runs", dependencies: ["Diagnostics", "Views", "FleetModel", "Wire"]),
        /** Runs, reports, facts and plans in SQLite. */
        .target(
            name: "Store",
            dependencies: ["CSQLite", "Runs", "FleetModel", "Linux", "CLinux", "Wire"]),
        /** The use cases: ping, facts, plan, apply, check over many hosts. */
        .target(
            name: "Fleet",
            dependencies: [
                "Compiler", "Inventory", "Kinds", "Transport", "SSHConfig", "Store", "Runs",
                "Diagnostics", "Values", "Views", "YAML", "FleetModel", "Linux", "Wire", "CZlib",
            ]),

        // MARK: The command line

        /** Renders views as text, and events as a progress line. */
        .target(
            name: "Presentation", dependencies: ["FleetModel", "Views", "Diagnostics", "Wire"]),
        /** One table of verbs and options, from which the parser and the help are made. */
        .target(name: "CommandLineKit", dependencies: ["Diagnostics"]),
        /** One file for each verb. */
        .target(
            name: "Commands",
            dependencies: [
                "Fleet", "Presentation", "CommandLineKit", "Compiler", "Inventory", "Isolation",
                "Kinds", "Runs", "Store",
                "Transport", "TunedImport", "HostFacts", "Diagnostics", "Values", "Views", "YAML",
                "FleetModel", "Linux",
                "Wire",
            ]),
        .executableTarget(
            name: "muster", dependencies: ["Commands"], linkerSettings: swiftRuntimeInside),

        // MARK: Tests

        .target(name: "TestSupport", dependencies: ["Linux", "Wire"], path: "Tests/TestSupport"),
        /** Attempts to escape the agent's sandbox, and death at a chosen system call. */
        .target(
            name: "CAgentTests", path: "Tests/CAgentTests", cSettings: [.define("_GNU_SOURCE")]),
        /** The parts of the agent's tests that need a process of their own. */
        .executableTarget(
            name: "AgentTestTool", dependencies: ["AgentCore", "CAgentTests", "CLinux", "Linux"],
            path: "Tests/AgentTestTool"),
    ]
        + [
            ("Wire", []),
            ("Kinds", ["FleetModel", "Wire"]),
            ("Linux", ["CLinux"]),
            ("HostFacts", ["FleetModel", "Linux", "Wire"]),
            ("Resources", ["SystemFaults", "Kinds", "FleetModel", "Linux", "Wire"]),
            ("Journal", ["FleetModel", "Linux", "Wire"]),
            (
                "AgentCore",
                [
                    "Resources", "HostFacts", "Journal", "Kinds", "FleetModel", "Linux", "Wire",
                    "CLinux",
                ]
            ),
            ("Diagnostics", ["Wire"]),
            ("Values", ["Diagnostics", "Wire"]),
            ("YAML", ["Diagnostics", "Values", "Linux", "Wire"]),
            ("Templates", ["Diagnostics", "Linux", "Values", "Wire"]),
            ("Inventory", ["YAML", "Templates", "Values", "Diagnostics", "Linux", "Wire"]),
            (
                "Compiler",
                [
                    "Inventory", "Kinds", "YAML", "Templates", "Values", "Diagnostics",
                    "FleetModel",
                    "Linux", "Wire",
                ]
            ),
            ("Isolation", ["HostFacts", "Kinds", "Linux", "Presentation", "Wire"]),
            ("SSHConfig", ["Linux", "Wire"]),
            ("Transport", ["SSHConfig", "Linux", "CLinux", "Wire"]),
            ("Views", ["FleetModel", "Wire"]),
            ("Runs", ["Diagnostics", "Views", "FleetModel", "Wire"]),
            ("Store", ["Runs", "Views", "FleetModel", "Linux", "Wire"]),
            (
                "Fleet",
                [
                    "Compiler", "Inventory", "Kinds", "Transport", "Store", "Runs", "Diagnostics",
                    "Values", "Views", "YAML", "FleetModel", "Linux", "Wire",
                ]
            ),
            ("Presentation", ["FleetModel", "Views", "Diagnostics", "Wire"]),
            ("CommandLineKit", ["Diagnostics"]),
            (
                "Commands",
                [
                    "Fleet", "Presentation", "CommandLineKit", "Compiler", "Kinds", "Diagnostics",
                    "FleetModel", "Linux", "Wire",
                ]
            ),
            ("House", ["FleetModel", "Linux", "Wire"]),
            ("Lab", ["Kinds", "Linux", "Wire", "FleetModel"]),
        ].map { (name: String, others: [Target.Dependency]) in
            let own: [Target.Dependency] =
                ["House", "Lab"].contains(name) ? [] : [.target(name: name)]
            return .testTarget(
                name: name + "Tests",
                dependencies: own + others + ["TestSupport"],
                exclude: name == "Lab" ? ["Machine/phases.txt"] : [])
        }
)

for target in package.targets where ![.system, .plugin, .binary].contains(target.type) {
    if !["CLinux", "CKeys", "CAgentTests"].contains(target.name) {
        target.swiftSettings = (target.swiftSettings ?? []) + settings
    }
    if inAgent.contains(target.name) {
        target.swiftSettings?.append(
            .unsafeFlags([
                "-Xfrontend", "-disable-implicit-string-processing-module-import",
                "-Xfrontend", "-disable-implicit-concurrency-module-import",
            ]))
    }
    if onlyInAgent.contains(target.name) {
        target.swiftSettings?.append(
            .unsafeFlags(["-Osize"], .when(configuration: .release)))
    }
}
