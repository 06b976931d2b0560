import Diagnostics
import Templates
import Values
import YAML

/// The values of `--set`, which override all others.
package struct Overrides: Sendable {
    /// The values of variables, by name.
    private(set) var variables: [String: Given] = [:]
    /// The values of parameters, by role and then by parameter.
    private(set) var parameters: [String: [String: Given]] = [:]

    struct Given: Sendable {
        let source: ValueSource
        let place: Place

        var text: String { source.text }
    }

    package static let none = Overrides()

    private init() {}

    /// Reads `NAME=VALUE` and `ROLE.PARAMETER=VALUE`.
    ///
    /// A value that begins like a YAML list, map or quoted string is read as such. Any other value
    /// is unquoted text, so that `--set version=1.10` is the version 1.10.
    init(_ texts: [String], sources: FleetSources) throws(Faults) {
        var faults: [Diagnostic] = []
        for text in texts {
            do {
                try add(text, sources: sources)
            } catch {
                faults += error.all
            }
        }
        for index in faults.indices { faults[index].exitCode = .usage }
        if !faults.isEmpty { throw Faults(faults) }
    }

    private mutating func add(_ text: String, sources: FleetSources) throws(Faults) {
        let roles = sources.roles
        let source = SourceText(name: "--set", text: text)
        let start = Place(source: source, line: 1, column: 1)
        guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
            throw Faults(
                Diagnostic("bad-set", "\"\(text)\" is not NAME=VALUE", at: start))
        }
        let name = String(text[..<sign])
        let place = start.moved(by: name.count + 1)
        let node = Self.node(String(text[text.index(after: sign)...]), at: place)
        let given = Given(source: try ValueSource(node), place: place)
        guard let dot = name.firstIndex(of: ".") else {
            try check(name, sources, at: start)
            variables[name] = given
            return
        }
        let roleName = String(name[..<dot])
        let parameter = String(name[name.index(after: dot)...])
        guard let role = roles.first(where: { $0.name == roleName }) else {
            throw Faults(
                Diagnostic(
                    "unknown-role", "there is no role \"\(roleName)\"", at: start,
                    hint: NearestName.hint(for: roleName, in: roles.map(\.name))))
        }
        guard role.parameter(parameter) != nil else {
            throw Faults(
                Diagnostic(
                    "unknown-parameter", "the role \(roleName) has no parameter \"\(parameter)\"",
                    at: start.moved(by: roleName.count + 1),
                    hint: NearestName.hint(for: parameter, in: role.parameters.map(\.name))))
        }
        parameters[roleName, default: [:]][parameter] = given
    }

    /// Throws for a variable that no host has and nothing reads: probably a typing error.
    private func check(_ name: String, _ sources: FleetSources, at place: Place) throws(Faults) {
        if sources.variables.contains(name) { return }
        var known = sources.variables
        for role in sources.roles {
            known.formUnion(role.uses.compactMap(\.path.first))
            known.formUnion(role.parameters.compactMap(\.inventoryName))
            known.subtract(role.parameters.map(\.name))
        }
        known.subtract(HostScope.builtIns)
        if known.contains(name) { return }
        let owners = sources.roles.filter { $0.parameter(name) != nil }
        throw Faults(
            Diagnostic(
                "unknown-variable", "nothing reads a variable \"\(name)\"", at: place,
                hint: owners.isEmpty
                    ? NearestName.hint(for: name, in: known.sorted())
                    : "set a parameter with its role: "
                        + owners.map { "\($0.name).\(name)=…" }.joined(separator: ", ")))
    }

    private static func node(_ text: String, at place: Place) -> Node {
        if let first = text.first, "[{\"'".contains(first),
            let read = try? YAMLReader.parse(SourceText(name: "--set", text: text))
        {
            return Node(read.content, at: place, tag: read.tag)
        }
        let isOne =
            (try? YAMLReader.parse(SourceText(name: "--set", text: text)))??.scalar?.text == text
        if isOne,
            let read = try? YAMLReader.parse(SourceText(name: "--set", text: text))
        {
            return Node(read.content, at: place)
        }
        return Node(
            .scalar(Scalar(text: text, style: .doubleQuoted, reading: .string(text))), at: place)
    }
}
