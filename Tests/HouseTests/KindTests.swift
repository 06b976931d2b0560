import FleetModel
import TestSupport
import Testing

/// A kind is its case, its schema, its behaviour and its fixtures; code elsewhere goes by its traits.
@Suite struct KindTests {
    /// Files that may name single kinds, and why.
    private static let allowed = [
        "Sources/Kinds/Machinery/KindRegistry.swift": "exhaustive: the compiler asks for each",
        "Sources/Resources/Machinery/BehaviourRegistry.swift":
            "exhaustive: the compiler asks for each",
        "Sources/Compiler/Resources/IsolationExpansion.swift":
            "the settings that follow from isolated CPUs are resources of these kinds",
    ]

    private static let vocabulary = "Sources/FleetModel/Vocabulary.swift"

    /// The names of the cases in the source: `packageRepository`.
    private static func names() throws -> Set<String> {
        var names: Set<String> = []
        for line in try Repository.lines(vocabulary) {
            if line.hasPrefix("}") { break }
            names.formUnion(
                line.split(separator: " = ").first.map { KindPlaces.declared(on: $0) } ?? [])
        }
        return names
    }

    private static func places() throws -> [String: [(line: Int, names: [String])]] {
        var texts: [String: [Substring]] = [:]
        for file in try Repository.files(below: "Sources", ending: ".swift") {
            texts[file] = try Repository.lines(file)
        }
        let places = KindPlaces(
            names: try names(),
            sources: texts.filter { $0.key != vocabulary }.map(\.value))
        return texts.mapValues(places.found)
    }

    @Test func theNamesAreRead() throws {
        #expect(try Self.names().count == Kind.allCases.count)
    }

    /// Its schema's file names a kind, the allowed ones do, and no other.
    @Test func noFileGoesByTheNameOfAKind() throws {
        var homes: [String: [String]] = [:]
        for (file, found) in try Self.places() where Self.allowed[file] == nil {
            // The file that says what the kind is.
            let own = try Repository.text(file).split(separator: "KindSchema(\n        .")
                .dropFirst()
                .map { String($0.prefix { $0.isLetter || $0.isNumber }) }
            for name in own { homes[name, default: []].append(file) }
            for (line, names) in found {
                for name in names where !own.contains(name) {
                    Issue.record(
                        "\(file):\(line) names the kind \(name); make what is peculiar a trait")
                }
            }
        }
        for name in try Self.names() {
            #expect(homes[name]?.count == 1, "the schema of \(name) is in one file")
        }
    }

    @Test func whatIsAllowedIsThere() throws {
        let places = try Self.places()
        for file in Self.allowed.keys.sorted() {
            #expect(places[file]?.isEmpty == false, "\(file) names no kind any more")
        }
    }

    @Test(
        "finds what names a kind, and nothing else",
        arguments: [
            ("if resource.kind == .file { return }", ["file"]),
            ("guard kind != .nic else { return }", ["nic"]),
            ("let late: [Kind] = [.nic, .user]", ["nic", "user"]),
            ("return Kind.file", ["file"]),
            ("[.nic].contains(x)", ["nic"]),
            ("switch resource.kind {\ncase .user, .nic: return 1\n}", ["user", "nic"]),
            ("extension Kind {\nvar x: Int {\nswitch self {\ncase .file: 1\n}\n}\n}", ["file"]),
            ("if status.type == .file { return }", []),
            ("switch claim {\ncase .user: return 1\n}", []),
            ("parser.nic(x) // kind == .nic", []),
            ("let text = \"kind == .nic\"", []),
            ("let kind = entry.user", []),
        ])
    func finds(_ source: String, _ expected: [String]) {
        let places = KindPlaces(
            names: ["file", "user", "nic"], sources: [["    case file, user"]])
        let lines = source.split(separator: "\n")
        #expect(places.found(in: lines).flatMap(\.names) == expected)
    }
}
