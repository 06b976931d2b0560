import Diagnostics
import Linux
import Templates
import TestSupport
import Testing
import Values
import Wire

/// Templates written by hand: what they give, and what is said of those with faults.
@Suite struct FixtureTests {
    private static let folder = Repository.fixtures("Templates")

    private static func text(_ path: String) throws -> String {
        String(
            decoding: try LocalMachine().read("\(folder)/\(path)", limit: 1 << 20), as: UTF8.self)
    }

    private static func render(_ name: String) throws -> Rendered {
        guard case .map(let values) = Value(try JSON(parsing: text("values.json"))) else {
            throw FixtureError("values.json holds no object")
        }
        let parts = Repository.names(in: "\(folder)/parts", ending: ".j2")
        let context = TemplateContext(values) { (name) throws(Faults) -> Template? in
            guard parts.contains(name), let text = try? Self.text("parts/\(name).j2") else {
                return nil
            }
            return try Template(parsing: SourceText(name: "\(name).j2", text: text))
        }
        let path = "\(name).j2"
        let file = path.split(separator: "/").last.map(String.init) ?? path
        return try Template(parsing: SourceText(name: file, text: text(path))).render(context)
    }

    @Test(arguments: Repository.names(in: "\(folder)/texts", ending: ".j2"))
    func theTextIsAsExpected(_ name: String) throws {
        let rendered = try Self.render("texts/\(name)")
        let golden = Golden("\(Self.folder)/texts/\(name).expected")
        #expect(golden.matches(rendered.text), "\(rendered.text)")
        #expect(!rendered.isSecret)
    }

    @Test(arguments: Repository.names(in: "\(folder)/faults", ending: ".j2"))
    func theFaultIsAsExpected(_ name: String) throws {
        let faults = try #require(throws: Faults.self) { try Self.render("faults/\(name)") }
        let text = faults.all.map(\.text).joined(separator: "\n") + "\n"
        let golden = Golden("\(Self.folder)/faults/\(name).expected")
        #expect(golden.matches(text), "\(text)")
        #expect(faults.all.allSatisfy { $0.place != nil })
    }

    @Test func theTextIsThatOfJinja() throws {
        let names = Repository.names(in: "\(Self.folder)/texts", ending: ".j2")
        try #require(!names.isEmpty)
        let values = try JSON(parsing: Self.text("values.json"))
        var includes: [String: JSON] = [:]
        for part in Repository.names(in: "\(Self.folder)/parts", ending: ".j2") {
            includes[part] = .string(try Self.text("parts/\(part).j2"))
        }
        let cases = try names.map { name in
            JSON.object([
                "template": .string(try Self.text("texts/\(name).j2")), "values": values,
                "includes": .object(includes),
            ])
        }
        for (name, answer) in zip(names, try Jinja.answers(cases)) {
            let ours = try Self.render("texts/\(name)").text
            #expect(try JSON(parsing: answer)["text"] == .string(ours), "\(name): \(answer)")
        }
    }
}
