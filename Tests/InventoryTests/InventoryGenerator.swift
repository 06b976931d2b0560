import Linux
import TestSupport

/// Inventories made from a seed: several sources of every form, nested groups, ranges, priorities,
/// variables of every type, files of variables.
///
/// Host names start with `h`, group names with `g`; a child's number is above its parent's, so that
/// there are no loops.
struct InventoryGenerator {
    private var random: SeededGenerator
    private let folder: TemporaryDirectory
    private let groupCount: Int
    /// Groups that are given children somewhere.
    private(set) var parents: Set<Int> = []
    private(set) var sources: [String] = []
    private var declared: Set<Int> = []

    /// Writes an inventory into a folder.
    init(seed: UInt64, folder: TemporaryDirectory) throws {
        random = SeededGenerator(seed: seed)
        self.folder = folder
        groupCount = Int.random(in: 2...9, using: &random)
        let count = Int.random(in: 1...3, using: &random)
        for number in 0..<count {
            // Every source has a directory of its own; sometimes two share one.
            let place = chance(0.3) ? "s0" : "s\(number)"
            try directory(place)
            if chance(0.3) {
                let name = "\(place)/folder\(number)"
                try directory(name)
                for part in 0..<Int.random(in: 1...3, using: &random) {
                    _ = try source(in: name, "\(part)0-part\(number)")
                }
                sources.append(name)
                try variableFiles(in: name)
            } else {
                sources.append(try source(in: place, "inventory\(number)"))
                try variableFiles(in: place)
            }
        }
    }

    private mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &random) < probability
    }

    private mutating func pick<T>(_ items: [T]) -> T {
        items[Int.random(in: 0..<items.count, using: &random)]
    }

    private func directory(_ name: String) throws {
        let machine = LocalMachine()
        var path = ""
        for part in name.split(separator: "/") {
            path += path.isEmpty ? String(part) : "/" + part
            if try machine.statusIfPresent(folder.path(path)) == nil {
                try machine.makeDirectory(folder.path(path), mode: 0o755, uid: 0, gid: 0)
            }
        }
    }

    // MARK: Sources

    private mutating func source(in directory: String, _ name: String) throws -> String {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4:
            let path = "\(directory)/\(name)\(pick([".yaml", ".yml", ""]))"
            try folder.write(path, yaml())
            return path
        case 4..<8:
            let path = "\(directory)/\(name)\(pick([".ini", "", ".inventory"]))"
            try folder.write(path, ini())
            return path
        default:
            let path = "\(directory)/\(name).sh"
            try folder.write(path, "#!/bin/sh\ncat <<'END'\n\(script())\nEND\n", mode: 0o755)
            return path
        }
    }

    private func name(_ group: Int) -> String { group == -1 ? "all" : "g\(group)" }

    private mutating func host() -> String { "h\(Int.random(in: 1...12, using: &random))" }

    private mutating func hostEntry() -> String {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: "h[1:\(Int.random(in: 1...6, using: &random))]"
        case 1: "h[01:\(pick(["05", "10", "12"])):\(Int.random(in: 1...4, using: &random))]"
        case 2: "h-[a:\(pick(["b", "d"]))]"
        case 3: "h[1:2]-[a:c:2].example.com"
        case 4: host() + ":\(pick([22, 2222]))"
        default: host()
        }
    }

    private mutating func variable() -> String {
        pick(["a", "b", "c", "d", "e", "ansible_host", "ansible_port", "long_name"])
    }

    private mutating func variables(_ most: Int) -> [String] {
        var names: [String] = []
        for _ in 0..<Int.random(in: 0...most, using: &random) {
            let name = variable()
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    private mutating func yamlValue(_ indent: String) -> String {
        pick([
            "1", "-3", "1.5", "on", "no", "'on'", "\"1\"", "0644", "0x1f", "1:30", "2024-01-02",
            "~",
            "", "text with spaces", "[1, two, [3]]", "{k: v, 2: w, n: {m: 1}}", "'{{ a }}/x'", ".5",
            "1_000", "|-\n\(indent)  block\n\(indent)  text", "!unsafe '{{ x }}'",
            "!vault |\n\(indent)  $ANSIBLE_VAULT;1.1", "é", "2024-01-02 03:04:05", "1.10", "null",
            "\"\"",
        ])
    }

    private mutating func yaml() -> String {
        var text = chance(0.3) ? "---\n" : ""
        var groups: [Int] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let group = Int.random(in: -1..<groupCount, using: &random)
            if !groups.contains(group) { groups.append(group) }
        }
        for group in groups { text += yamlGroup(group, indent: "", depth: 0) }
        return text
    }

    private mutating func yamlGroup(_ group: Int, indent: String, depth: Int) -> String {
        declared.insert(group)
        var text = "\(indent)\(name(group)):\n"
        let inner = indent + "  "
        for section in ["hosts", "vars", "children"].shuffled(using: &random) where chance(0.6) {
            switch section {
            case "hosts":
                text += "\(inner)hosts:\n"
                var entries: Set<String> = []
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let entry = hostEntry()
                    if !entries.insert(entry).inserted { continue }
                    text += "\(inner)  \(entry.contains(":") ? "\"\(entry)\"" : entry):\n"
                    for name in variables(3) {
                        text += "\(inner)    \(name): \(yamlValue(inner + "    "))\n"
                    }
                }
            case "vars":
                text += "\(inner)vars:\n"
                for name in variables(4) {
                    text += "\(inner)  \(name): \(yamlValue(inner + "  "))\n"
                }
                if group >= 0, chance(0.3) {
                    text += "\(inner)  ansible_group_priority: \(pick([-1, 0, 2, 10]))\n"
                }
            default:
                let children = Array(group + 1..<groupCount).filter { _ in chance(0.4) }
                if children.isEmpty || depth > 3 { continue }
                if group >= 0 { parents.insert(group) }
                text += "\(inner)children:\n"
                for child in children {
                    text += yamlGroup(child, indent: inner + "  ", depth: depth + 1)
                }
            }
        }
        return text
    }

    private mutating func iniValue(onHostLine: Bool) -> String {
        let plain = [
            "1", "-3", "1.5", "on", "True", "None", "0644", "0x1f", "1e3", "text", "0-3,8-11",
            "1,2",
            "[1,2]", "2024-01-02", "", "a=b", "1_000", "10.0.0.1", "'quoted'", "\"1\"",
        ]
        if onHostLine {
            return pick(plain + ["'two words'", "\"{'a':[1,None]}\"", "\"'1'\"", "a\\ b"])
        }
        return pick(
            plain + ["two words", "{'a': [1, None]}", "1 # c", "x # c", "[1, 'a']", "{{ a }}"])
    }

    private mutating func ini() -> String {
        var text = ""
        if chance(0.4) { text += "\(host()) a=top\n" }
        var groups: [Int] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let group = Int.random(in: 0..<groupCount, using: &random)
            if !groups.contains(group) { groups.append(group) }
        }
        for group in groups {
            text += "\n[\(name(group))]\(pick(["", "  # comment"]))\n"
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                text += hostEntry()
                for name in variables(3) { text += " \(name)=\(iniValue(onHostLine: true))" }
                text += pick(["", "  # comment", " "]) + "\n"
            }
        }
        for group in groups.shuffled(using: &random) {
            let children = groups.filter { $0 > group && chance(0.4) }
            if !children.isEmpty {
                parents.insert(group)
                text += "\n[\(name(group)):children]\n"
                text += children.map { "\(name($0))\n" }.joined()
            }
        }
        for group in groups + [-1] where chance(0.5) {
            text += "\n[\(name(group)):vars]\n; comment\n"
            for name in variables(4) {
                text += "\(name)\(pick(["=", " = "]))\(iniValue(onHostLine: false))\n"
            }
            if group >= 0, chance(0.3) { text += "ansible_group_priority=\(pick([0, 3]))\n" }
        }
        return text
    }

    private mutating func jsonValue() -> String {
        pick([
            "1", "1.5", "1e3", "true", "null", "\"on\"", "\"x y\"", "[1, {\"k\": []}]",
            "{\"k\": 1}",
        ])
    }

    private mutating func jsonMap(_ names: [String]) -> String {
        "{" + names.map { "\"\($0)\": \(jsonValue())" }.joined(separator: ", ") + "}"
    }

    private mutating func script() -> String {
        var members: [String] = []
        var hosts: Set<String> = []
        var groups: Set<Int> = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let group = Int.random(in: -1..<groupCount, using: &random)
            if !groups.insert(group).inserted { continue }
            let inGroup = (0..<Int.random(in: 0...3, using: &random)).map { _ in host() }
            hosts.formUnion(inGroup)
            let list = "[" + Set(inGroup).sorted().map { "\"\($0)\"" }.joined(separator: ", ") + "]"
            if chance(0.2) {
                members.append("\"\(name(group))\": \(list)")
                continue
            }
            var parts = ["\"hosts\": \(list)"]
            if chance(0.5) { parts.append("\"vars\": \(jsonMap(variables(3)))") }
            let children = Array(group + 1..<groupCount).filter { _ in chance(0.2) }
            if !children.isEmpty {
                if group >= 0 { parents.insert(group) }
                let names = children.map { "\"\(name($0))\"" }.joined(separator: ", ")
                parts.append("\"children\": [\(names)]")
            }
            members.append("\"\(name(group))\": {\(parts.joined(separator: ", "))}")
        }
        let variables = hosts.sorted().map { "\"\($0)\": \(jsonMap(self.variables(3)))" }
        members.append("\"_meta\": {\"hostvars\": {\(variables.joined(separator: ", "))}}")
        return "{" + members.joined(separator: ",\n ") + "}"
    }

    // MARK: Files of variables

    private mutating func variableFiles(in directory: String) throws {
        for group in -1..<groupCount where chance(0.35) {
            try variableFile("\(directory)/group_vars", name(group))
        }
        for number in 1...12 where chance(0.1) {
            try variableFile("\(directory)/host_vars", "h\(number)")
        }
    }

    private mutating func variableFile(_ directory: String, _ name: String) throws {
        try self.directory(directory)
        // Two sources may share a directory.
        let taken = try LocalMachine().statusIfPresent(folder.path("\(directory)/\(name)")) != nil
        if taken { return }
        if chance(0.3) {
            try self.directory("\(directory)/\(name)")
            for part in 0..<Int.random(in: 1...3, using: &random) {
                let ending = pick([".yml", ".yaml", ".json", "", ".txt", ".yml~"])
                try write("\(directory)/\(name)/\(part)\(ending)")
            }
        } else {
            try write("\(directory)/\(name)\(pick([".yml", ".yaml", ".json", ""]))")
        }
    }

    private mutating func write(_ path: String) throws {
        let names = variables(4)
        if names.isEmpty || chance(0.3) {
            try folder.write(path, jsonMap(names))
        } else {
            try folder.write(path, names.map { "\($0): \(yamlValue(""))\n" }.joined())
        }
    }

    // MARK: Patterns

    /// A pattern over the names that are used.
    mutating func pattern() -> String {
        var terms: [String] = []
        for index in 0..<Int.random(in: 1...3, using: &random) {
            let group = Int.random(in: 0..<groupCount, using: &random)
            var term = pick([
                name(group), host(), "h1*", "h?", "~h[12]", "all", "g*", "ungrouped",
                "*.example.com",
            ])
            if term == name(group), !parents.contains(group), chance(0.4) {
                term += pick(["[0]", "[-1]", "[0:1]", "[1:]"])
            }
            terms.append((index > 0 ? pick(["", "&", "!"]) : "") + term)
        }
        return terms.joined(separator: ":")
    }
}
