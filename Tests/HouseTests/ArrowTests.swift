import Linux
import TestSupport
import Testing

/// The arrows of the house: which module may import which, and why no other.
private struct Room: Sendable, CustomStringConvertible {
    let name: String
    let imports: Set<String>
    /// Why it imports no more than that.
    let why: String

    init(_ name: String, _ imports: Set<String>, _ why: String) {
        self.name = name
        self.imports = imports
        self.why = why
    }

    var description: String { name }
}

private let rooms = [
    Room("Wire", ["CSodium"], "both programs speak it; it knows bytes, not hosts"),
    Room("FleetModel", ["Wire"], "data only: what both sides must agree on"),
    Room("Kinds", ["FleetModel", "Wire"], "schemas serve the compiler and the agent; no machine"),
    Room("Linux", ["CLinux"], "the one door to the kernel; it knows nothing of muster"),
    Room(
        "HostFacts", ["Kinds", "FleetModel", "Linux", "Wire"],
        "reads machines, CPU lists as Kinds reads them; declares nothing"),
    Room(
        "SystemFaults", ["FleetModel", "Linux"],
        "names what the kernel answered, for all rooms of the agent; knows no kind and no journal"),
    Room(
        "Resources", ["SystemFaults", "Kinds", "FleetModel", "Linux", "Wire"],
        "behaviour knows its schema and the machine, never the journal or the wire's stream"),
    Room(
        "Journal", ["SystemFaults", "FleetModel", "Linux", "Wire", "CLinux"],
        "records intents; does not know how they act"),
    Room(
        "AgentCore",
        [
            "Resources", "HostFacts", "Journal", "SystemFaults", "Kinds", "FleetModel", "Linux",
            "Wire", "CLinux",
        ],
        "the agent holds no inventory, no template, no SSH: what it runs was decided elsewhere"),
    Room("muster_agent", ["AgentCore"], "an executable is an entry point and nothing else"),
    Room("Diagnostics", ["Wire"], "every reader of files reports through it"),
    Room("Values", ["Diagnostics", "Wire"], "a value knows neither YAML nor templates"),
    Room("YAML", ["CYAML", "Diagnostics", "Values", "Wire"], "text to nodes; no meaning"),
    Room("Templates", ["Diagnostics", "Values", "Wire"], "text and values in, text out"),
    Room(
        "Inventory", ["YAML", "Templates", "Values", "Diagnostics", "Linux", "Wire"],
        "who the hosts are; not what they are to be"),
    Room(
        "TunedImport", ["Kinds", "Wire"], "text in, text out: it reads files through who calls it"),
    Room(
        "Isolation", ["Kinds", "Wire"],
        "pure: facts in, sets of CPUs and settings out; the compiler and a verb both stand on it"),
    Room(
        "Compiler",
        [
            "Inventory", "Isolation", "Kinds", "YAML", "Templates", "Values", "Diagnostics",
            "FleetModel", "Wire",
        ],
        "pure: it contacts nobody and reads no disk, so that the same inputs give the same bytes"),
    Room("SSHConfig", ["Wire"], "pure: text in, settings out"),
    Room(
        "Transport", ["CSSH2", "CKeys", "SSHConfig", "Linux", "CLinux", "Wire"],
        "bytes and exit status; it must not know what a plan is"),
    Room(
        "Views", ["FleetModel", "Wire"],
        "what is printed, stored and read by programs; the agent does not link it"),
    Room(
        "Runs", ["Diagnostics", "Views", "FleetModel", "Wire"],
        "pure: inputs in, transitions and commands out; no store, no socket, no clock"),
    Room(
        "Store", ["CSQLite", "Runs", "FleetModel", "Linux", "CLinux", "Wire"],
        "keeps what it is given"),
    Room(
        "Fleet",
        [
            "Compiler", "Inventory", "Kinds", "Transport", "SSHConfig", "Store", "Runs",
            "Diagnostics", "Values", "Views", "YAML", "FleetModel", "Linux", "Wire", "CZlib",
        ], "the use cases; returns values, prints nothing"),
    Room(
        "Presentation", ["FleetModel", "Views", "Diagnostics", "Wire"],
        "the text of values; decides nothing"),
    Room("CommandLineKit", ["Diagnostics"], "a table and its parser; knows no verb"),
    Room(
        "Commands",
        [
            "Fleet", "Presentation", "CommandLineKit", "Compiler", "Inventory", "Isolation",
            "Kinds", "Runs",
            "Store", "Transport", "TunedImport", "HostFacts", "Diagnostics", "Values", "Views",
            "YAML", "FleetModel",
            "Linux",
            "Wire",
        ], "the only room that prints, and reads the command line"),
    Room("muster", ["Commands"], "an executable is an entry point and nothing else"),
]

@Suite struct ArrowTests {
    /// What every room may use: the toolchain's own, without Foundation.
    private static let toolchain: Set<String> = [
        "Glibc", "Synchronization", "_StringProcessing",
    ]

    @Test(arguments: rooms)
    private func importsOnlyWhatItMay(room: Room) throws {
        let folder = "Sources/" + room.name.split(separator: "_").joined(separator: "-")
        let files = try Repository.files(below: folder, ending: ".swift")
        #expect(!files.isEmpty, "\(folder) is empty")
        for file in files {
            for line in try Repository.lines(file) {
                guard let module = Self.importedModule(line) else { continue }
                let isAllowed = room.imports.contains(module) || Self.toolchain.contains(module)
                #expect(isAllowed, "\(file) imports \(module). \(room.name): \(room.why)")
            }
        }
    }

    /// A room that is not in the table would be held to nothing.
    @Test func everyModuleIsInTheTable() throws {
        let known = Set(rooms.map(\.name))
        for file in try Repository.files(below: "Sources", ending: ".swift") {
            let folder = file.split(separator: "/")[1]
            let module = folder.split(separator: "-").joined(separator: "_")
            #expect(known.contains(module), "\(module) is in no row of the arrows")
        }
    }

    /// With every arrow pointing to an earlier row there can be no cycle.
    @Test func arrowsPointOneWay() {
        var earlier: Set<String> = []
        let names = Set(rooms.map(\.name))
        for room in rooms {
            let later = room.imports.intersection(names).subtracting(earlier)
            #expect(later.isEmpty, "\(room.name) imports \(later), which comes after it")
            earlier.insert(room.name)
        }
    }

    private static func importedModule(_ line: Substring) -> String? {
        let words = line.split(separator: " ")
        guard let index = words.firstIndex(of: "import"), index <= 2, index + 1 < words.count,
            words[..<index].allSatisfy({
                ["package", "public", "internal", "@testable"].contains($0)
            })
        else { return nil }
        return String(words[index + 1].prefix { $0 != "." })
    }
}
