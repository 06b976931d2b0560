import Compiler
import Diagnostics
import FleetModel
import Glibc
import Inventory
import Linux
import TestSupport
import Wire

/// A small fleet in one text file, with what compiling it is to give.
///
/// Sections begin with a line `-- NAME --`. A name with a `/` is a file of the fleet directory; `set`,
/// `tags`, `validate`, `explain` and `facts HOST` are what a run is given; `plan HOST`,
/// `content HOST FILE`, `faults`, `faults HOST`, `skipped HOST` and `explanation` are what is
/// expected, and are written anew by `MUSTER_RECORD=1`. What stands before the first section says what the case is about.
struct FleetFixture {
    var heading = ""
    var files: [(path: String, text: String)] = []
    var settings: [String] = []
    var tags: [String]?
    var facts: [String: HostFactsInput] = [:]
    var isValidation = false
    /// `HOST NAME` of each.
    var explained: [String] = []
    private var given: [(name: String, text: String)] = []

    init() {}

    init(_ text: String) throws {
        var name: String?
        var lines: [Substring] = []
        func isHead(_ line: Substring) -> Bool {
            line.hasPrefix("-- ") && line.hasSuffix(" --") && line.count > 6
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard isHead(line) else {
                lines.append(line)
                continue
            }
            try end(name, lines)
            name = String(line.dropFirst(3).dropLast(3))
            lines = []
        }
        if lines.last == "" { lines.removeLast() }
        try end(name, lines)
    }

    private static let expected: Set<String> = [
        "plan", "content", "faults", "skipped", "warnings", "explanation",
    ]

    private mutating func end(_ name: String?, _ lines: [Substring]) throws {
        let text = lines.map { $0 + "\n" }.joined()
        guard let name else {
            heading = text
            return
        }
        if Self.expected.contains(String(name.prefix { $0 != " " })) { return }
        given.append((name, text))
        let words = text.split(separator: "\n").map(String.init)
        if name == "set" {
            settings = words
        } else if name == "tags" {
            tags = words
        } else if name == "explain" {
            explained = words
        } else if name == "validate" {
            isValidation = true
        } else if name.hasPrefix("facts ") {
            let json = try JSON(parsing: text)
            let hardware = json["hardware"]
            facts[String(name.dropFirst(6))] = HostFactsInput(
                hardware: hardware, live: json["live"],
                digest: hardware.map { Digest(of: $0.canonicalBytes) })
        } else {
            files.append((name, text))
        }
    }

    // MARK: Running it

    /// The inventory and the files of the fleet, in memory.
    func load() throws(Faults) -> FleetSources {
        let machine = FakeMachine()
        let directory = Self.currentDirectory
        for (path, text) in files { machine.put("\(directory)/\(path)", text: text) }
        let sources = files.map(\.path).filter {
            $0.hasPrefix("Inventory/hosts.") && !$0.dropFirst(10).contains("/")
        }
        let inventory = try InventorySet.load(sources: sources, machine: machine).inventory
        return try FleetSources.load(
            files: .inMemory(
                Dictionary(files.map { ($0.path, Array($0.text.utf8)) }) { _, last in last }),
            inventory: inventory)
    }

    private static var currentDirectory: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard getcwd(&buffer, buffer.count) != nil else { return "/" }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The fixture's text with what compiling it gives now.
    func outcome() -> String {
        var text = heading
        for (name, content) in given { text += "-- \(name) --\n\(content)" }
        do throws(Faults) {
            let compiler = try Compiler(try load(), settings: settings)
            if let tags { try compiler.sources.checkTags(tags) }
            text += Self.section("warnings", compiler.sources.warnings)
            let facts = facts
            compiler.compile(
                hosts: compiler.sources.inventory.hosts, facts: { facts[$0] ?? .none },
                options: CompileOptions(
                    tags: tags, missingFacts: isValidation ? .skip : .fault)
            ) { text += Self.text(of: $0, compiler.sources.files) }
            for line in explained {
                let words = line.split(separator: " ").map(String.init)
                let found = try compiler.explain(
                    host: words[0], name: words[1], facts: facts[words[0]] ?? .none)
                text += "-- explanation \(line) --\n"
                text += JSON.array(found.map(\.json)).indentedText + "\n"
            }
        } catch {
            text += Self.section("faults", error.all)
        }
        return text
    }

    private static func text(of host: HostCompilation, _ files: FleetFiles) -> String {
        var text = ""
        text += section("faults \(host.host)", host.diagnostics)
        text += section("skipped \(host.host)", host.skipped)
        if let plan = host.plan {
            text += "-- plan \(host.host) --\n\(plan.json.indentedText)\n"
            for resource in plan.resources {
                guard
                    let digest = resource.attributes["content_digest"]?.string.flatMap(Digest.init),
                    let blob = host.blobs[digest]
                else { continue }
                let bytes = (try? blob.load(from: files)) ?? []
                let content = blob.isSecret ? "(secret)" : String(decoding: bytes, as: UTF8.self)
                text += "-- content \(host.host) \(resource.name) --\n\(content)"
                if !content.hasSuffix("\n") { text += "\n" }
            }
        }
        return text
    }

    static func section(_ name: String, _ diagnostics: [Diagnostic]) -> String {
        if diagnostics.isEmpty { return "" }
        return "-- \(name) --\n" + diagnostics.map(line).joined()
    }

    /// A diagnostic without the excerpts.
    private static func line(_ diagnostic: Diagnostic) -> String {
        var text = diagnostic.place.map { "\($0): " } ?? ""
        text += "\(diagnostic.severity.rawValue): \(diagnostic.summary) [\(diagnostic.code)]\n"
        if let cause = diagnostic.cause { text += "  cause: \(cause)\n" }
        for other in diagnostic.related { text += "  \(other.place): \(other.text)\n" }
        if let hint = diagnostic.hint { text += "  hint: \(hint)\n" }
        return text
    }
}
