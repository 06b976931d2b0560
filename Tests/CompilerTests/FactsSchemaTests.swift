import Compiler
import Diagnostics
import FleetModel
import Testing
import Wire

/// Every path that the schema of facts promises can be read by a role, from the half it is promised in.
@Suite struct FactsSchemaTests {
    private func value(of type: String) -> JSON {
        switch type {
        case "string": "text"
        case "cpu_list": "0-3"
        case "integer": 4
        case "map": ["key": "value"]
        case "list of string": ["text"]
        case "list of integer": [4]
        case "list of cpu_list": ["0-3"]
        default: .null
        }
    }

    /// Facts with a value at every path of a half.
    private func facts(_ entries: [FactsSchema.Entry]) -> JSON {
        func put(_ value: JSON, at path: ArraySlice<Substring>, in facts: JSON) -> JSON {
            guard let name = path.first.map(String.init) else { return value }
            var members = facts.object ?? [:]
            members[name] = put(value, at: path.dropFirst(), in: members[name] ?? [:])
            return .object(members)
        }
        return entries.reduce([:]) { facts, entry in
            put(value(of: entry.type), at: entry.path.split(separator: ".")[...], in: facts)
        }
    }

    /// What `{{ EXPRESSION }}` gives for a host, and which facts that read.
    private func read(_ expression: String) throws -> (text: String?, used: FactsUsed) {
        var fixture = FleetFixture()
        fixture.files = [
            ("Inventory/hosts.yaml", "all: {hosts: {h: }}\n"),
            ("Inventory/site.yaml", "- hosts: all\n  roles: [r]\n"),
            (
                "Roles/r/role.yaml",
                "resources:\n  - file: /f\n    content: \"it is {{ \(expression) }}\"\n"
            ),
        ]
        let compiler = try Compiler(try fixture.load())
        let hardware = facts(FactsSchema.hardware)
        let known = HostFactsInput(
            hardware: hardware, live: facts(FactsSchema.live),
            digest: Digest(of: hardware.canonicalBytes))
        var answer: (text: String?, used: FactsUsed)?
        compiler.compile(hosts: ["h"], facts: { _ in known }, options: CompileOptions()) { result in
            #expect(result.diagnostics.map(\.text) == [])
            let digest = result.plan?.resources.first?.attributes["content_digest"]?.string
            let blob = digest.flatMap { Digest($0) }.flatMap { result.blobs[$0] }
            let bytes = blob.flatMap { try? $0.load(from: compiler.sources.files) }
            answer = (bytes.map { String(decoding: $0, as: UTF8.self) }, result.factsUsed)
        }
        return try #require(answer)
    }

    @Test(arguments: FactsSchema.hardware.map(\.path))
    func everyStoredFactCanBeRead(_ path: String) throws {
        let (text, used) = try read("(facts.\(path) is defined) | lower")
        #expect(text == "it is true")
        #expect(used.needsHardware)
        #expect(used.liveSections == [])
    }

    @Test(arguments: FactsSchema.live.map(\.path))
    func everyLiveFactCanBeRead(_ path: String) throws {
        let (text, used) = try read("(facts.\(path) is defined) | lower")
        #expect(text == "it is true")
        #expect(!used.needsHardware)
        #expect(used.liveSections == [String(path.prefix { $0 != "." })])
    }

    /// A section of both halves has the members of both, in one order whichever is read first.
    @Test func hugepagesAreOfBothHalves() throws {
        let (text, used) = try read("facts.hugepages | list | join(' ')")
        #expect(text == "it is default_kb nodes sizes sizes_kb")
        #expect(used.needsHardware && used.liveSections == ["hugepages"])
        let both = try read("facts.hugepages.nodes.key ~ facts.hugepages.default_kb")
        #expect(both.text == "it is value4")
        #expect(both.used.needsHardware && both.used.liveSections == ["hugepages"])
    }
}
