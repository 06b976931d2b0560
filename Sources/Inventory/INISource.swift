import Diagnostics
import Values
import YAML

/// An inventory in Ansible's INI form: `[group]`, `[group:vars]`, `[group:children]`.
struct INISource {
    private enum Section { case hosts, vars, children }

    private let source: SourceText
    private var group = InventoryBuilder.ungrouped
    private var groupName = "ungrouped"
    private var section = Section.hosts
    /// Groups that have their own section, here or in an earlier source.
    private var declared: Set<String>
    /// Children named before their own section, with the groups that named them.
    private var pending: [String: [(parent: Int, place: Place)]] = [:]
    /// `[group:vars]` of groups without a section so far.
    private var pendingVariables: [String: Place] = [:]
    private var given: [String: Place] = [:]

    /// Adds the groups and hosts of a text.
    static func read(_ source: SourceText, into builder: inout InventoryBuilder) {
        var reader = INISource(source, declared: Set(builder.groupIndex.keys))
        var number = 0
        for line in source.text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            reader.readLine(Line(source: source, number: number, text: line), into: &builder)
        }
        reader.reportPending(&builder)
    }

    private init(_ source: SourceText, declared: Set<String>) {
        self.source = source
        self.declared = declared
    }

    /// One line without surrounding blanks, with places by column of the whole line.
    private struct Line {
        let source: SourceText
        let number: Int
        let text: String
        let indent: Int

        init(source: SourceText, number: Int, text: Substring) {
            self.source = source
            self.number = number
            let scalars = text.unicodeScalars
            let isSpace: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace }
            let start = scalars.firstIndex { !isSpace($0) } ?? scalars.endIndex
            indent = scalars.distance(from: scalars.startIndex, to: start)
            let end = scalars.lastIndex { !isSpace($0) }.map(scalars.index(after:)) ?? start
            self.text = String(Substring(scalars[start..<end]))
        }

        /// A place by column of the trimmed text, from 1.
        func place(_ column: Int = 1, length: Int = 1) -> Place {
            Place(source: source, line: number, column: indent + column, length: length)
        }

        var whole: Place { place(length: text.unicodeScalars.count) }
    }

    private mutating func readLine(_ line: Line, into builder: inout InventoryBuilder) {
        guard let first = line.text.first, first != "#", first != ";" else { return }
        if let header = Self.header(line.text) {
            open(header, line, &builder)
        } else if first == "[", !line.text.contains("]") {
            builder.bag.add(Self.fault("the [ is not closed", line.place(), hint: "write [group]"))
        } else if first == "[", line.text.last == "]" {
            builder.bag.add(
                Self.fault(
                    "\(line.text) is not a section", line.whole,
                    hint: "write [group], [group:vars] or [group:children], without spaces"))
        } else {
            switch section {
            case .hosts: readHost(line, &builder)
            case .vars: readVariable(line, &builder)
            case .children: readChild(line, &builder)
            }
        }
    }

    private static func fault(_ summary: String, _ place: Place, hint: String? = nil) -> Diagnostic
    {
        Diagnostic("ini-syntax", summary, at: place, hint: hint)
    }

    // MARK: Sections

    /// `[name]` or `[name:kind]`, a comment after it allowed.
    private static func header(_ text: String) -> (name: String, kind: String?)? {
        guard text.first == "[", let close = text.firstIndex(of: "]") else { return nil }
        let rest = String(text[text.index(after: close)...]).trimmingSpaces()
        guard rest.isEmpty || rest.first == "#" else { return nil }
        let parts = text[text.index(after: text.startIndex)..<close].split(
            separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].isEmpty,
            !parts[0].contains(where: \.isWhitespace)
        else { return nil }
        if parts.count == 1 { return (String(parts[0]), nil) }
        let isWord = parts[1].allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
        guard !parts[1].isEmpty, isWord else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    private mutating func open(
        _ header: (name: String, kind: String?), _ line: Line, _ builder: inout InventoryBuilder
    ) {
        given = [:]
        switch header.kind {
        case nil, "hosts": section = .hosts
        case "vars": section = .vars
        case "children": section = .children
        case .some(let kind):
            builder.bag.add(
                Self.fault(
                    "[\(header.name):\(kind)] is not a kind of section", line.whole,
                    hint: NearestName.hint(for: kind, in: ["hosts", "vars", "children"])
                        ?? "write [\(header.name)], [\(header.name):vars] or [\(header.name):children]"
                ))
            section = .hosts
        }
        groupName = header.name
        group = builder.group(
            header.name, at: line.place(2, length: header.name.unicodeScalars.count))
        if section == .vars {
            if !declared.contains(groupName), pendingVariables[groupName] == nil {
                pendingVariables[groupName] = line.whole
            }
            return
        }
        declared.insert(groupName)
        pendingVariables[groupName] = nil
        for (parent, place) in pending.removeValue(forKey: groupName) ?? [] {
            builder.put(group: group, in: parent, at: place)
        }
    }

    private func reportPending(_ builder: inout InventoryBuilder) {
        var faults: [(place: Place, summary: String, name: String)] = []
        for (name, place) in pendingVariables {
            faults.append((place, "[\(name):vars] is for a group that does not exist", name))
        }
        for (name, uses) in pending {
            faults += uses.map { ($0.place, "there is no group \(name)", name) }
        }
        for fault in faults.sorted(by: { $0.place < $1.place }) {
            builder.bag.add(
                Self.fault(
                    fault.summary, fault.place,
                    hint: NearestName.hint(for: fault.name, in: declared)
                        ?? "add a section [\(fault.name)]"))
        }
    }

    // MARK: Lines

    private mutating func readChild(_ line: Line, _ builder: inout InventoryBuilder) {
        let name = line.text.prefix { !$0.isWhitespace && $0 != ":" && $0 != "]" }
        let rest = String(line.text[name.endIndex...]).trimmingSpaces()
        guard !name.isEmpty, rest.isEmpty || rest.first == "#" else {
            builder.bag.add(
                Self.fault(
                    "\"\(line.text)\" is not a group name", line.whole,
                    hint: "[\(groupName):children] holds one group per line"))
            return
        }
        let place = line.place(length: name.unicodeScalars.count)
        if let child = builder.groupIndex[String(name)] {
            builder.put(group: child, in: group, at: place)
        } else {
            pending[String(name), default: []].append((group, place))
        }
    }

    private mutating func readVariable(_ line: Line, _ builder: inout InventoryBuilder) {
        guard let equals = line.text.firstIndex(of: "=") else {
            builder.bag.add(
                Self.fault(
                    "\"\(line.text)\" sets no variable", line.whole,
                    hint: "[\(groupName):vars] holds lines of name=value"))
            return
        }
        let name = String(line.text[..<equals]).trimmingSpaces()
        let after = line.text[line.text.index(after: equals)...]
        let blanks = after.unicodeScalars.prefix { $0.properties.isWhitespace }.count
        let text = String(after).trimmingSpaces()
        let place = line.place(length: name.unicodeScalars.count)
        if let first = given.updateValue(place, forKey: name) {
            builder.bag.add(Self.duplicate(name, place, first))
            return
        }
        let column = line.text.unicodeScalars.count - after.unicodeScalars.count + blanks + 1
        let node = Self.node(
            text, at: line.place(column, length: text.unicodeScalars.count), &builder)
        builder.assign([Assignment(name: name, node: node, origin: place)], toGroup: group)
    }

    private static func duplicate(_ name: String, _ place: Place, _ first: Place) -> Diagnostic {
        Diagnostic(
            "duplicate-key", "the variable \"\(name)\" is given twice", at: place,
            cause: "one of the two values would be lost", hint: "remove or rename one of them",
            related: [.init(first, "first given here")])
    }

    private mutating func readHost(_ line: Line, _ builder: inout InventoryBuilder) {
        let words: [ShellWord]
        do {
            words = try ShellWords.split(line.text, comments: true)
        } catch {
            builder.bag.add(
                Self.fault(error.text, line.place(error.column), hint: error.hint))
            return
        }
        guard let entry = words.first else { return }
        let place = line.place(entry.column, length: entry.length)
        guard let expanded = hosts(entry.text, place, &builder) else { return }
        var variables: [Assignment] = []
        var seen: [String: Place] = [:]
        for word in words.dropFirst() {
            let origin = line.place(word.column, length: word.length)
            guard let equals = word.text.firstIndex(of: "=") else {
                builder.bag.add(
                    Self.fault(
                        "\"\(word.text)\" sets no variable", origin,
                        hint: "write name=value pairs after a host; quote a value with spaces"))
                continue
            }
            let name = String(word.text[..<equals])
            if let first = seen.updateValue(origin, forKey: name) {
                builder.bag.add(Self.duplicate(name, origin, first))
                continue
            }
            let text = String(word.text[word.text.index(after: equals)...])
            let offset = word.text.unicodeScalars.count - text.unicodeScalars.count
            let column = offset < word.columns.count ? word.columns[offset] : word.column + offset
            let end = word.column + word.length
            let node = Self.node(
                text, at: line.place(column, length: max(1, end - column)), &builder)
            variables.append(
                Assignment(
                    name: name, node: node,
                    origin: line.place(word.column, length: name.unicodeScalars.count)))
        }
        for name in expanded.names {
            let host = builder.host(name, port: expanded.port, at: place)
            builder.put(host: host, in: group)
            builder.assign(variables, toHost: host)
        }
    }

    private func hosts(
        _ entry: String, _ place: Place, _ builder: inout InventoryBuilder
    ) -> (names: [String], port: Int?)? {
        if entry == "---" || (entry.hasSuffix(":") && HostAddress(entry) == nil) {
            builder.bag.add(
                Self.fault(
                    "\"\(entry)\" is not a host name", place,
                    hint: "if this is YAML, name the file .yaml; a port follows the colon: host:22")
            )
            return nil
        }
        do {
            return try HostRange.expand(entry, at: place)
        } catch {
            builder.bag.add(error)
            return nil
        }
    }

    /// A value with its text and its reading as a Python literal.
    private static func node(
        _ text: String, at place: Place, _ builder: inout InventoryBuilder
    ) -> Node {
        let scalar: Scalar
        switch PythonLiteral.read(text) {
        case .value(let value): scalar = Scalar(text: text, style: .plain, reading: value)
        case .text(let content):
            scalar = Scalar(text: content, style: .doubleQuoted, reading: .string(content))
        case .none: scalar = Scalar(text: text, style: .plain, reading: .string(text))
        case .integerOutOfRange:
            builder.bag.add(
                Diagnostic(
                    "integer-range", "the integer \(text.prefix(40)) does not fit in 64 bits",
                    at: place,
                    hint: "quote it twice if it is meant as text: \"'\(text.prefix(40))'\"")
            )
            scalar = Scalar(text: text, style: .plain, reading: .string(text))
        }
        return Node(.scalar(scalar), at: place)
    }
}
