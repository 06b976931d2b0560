import Linux
import TestSupport
import Wire

/// systemd as systemctl shows it: units with properties, and jobs that change them.
///
/// A fixture gives it as `"systemd": {"NAME": {"PROPERTY": "value", …}, …}`; what is not given is as
/// systemd 252 answers for a plain unit. Besides properties a unit may have `after_start` (what it
/// comes to be when it is started, in place of running), `writes` (entries it then puts), `refuses` (a map of verbs to what systemctl
/// says) and `log` (what `systemctl status` ends with). Files in /etc/systemd/system are units too.
/// As the real one, it does not notice a drop-in or file that was not there when it was last reloaded.
final class FakeSystemd {
    private var units: [String: JSON] = [:]
    private var loadedTexts: [String: String?] = [:]
    private static let folder = "/etc/systemd/system"

    init(_ description: JSON) { units = description.object ?? [:] }

    func install(on machine: FakeMachine) {
        for name in units.keys { remember(name, on: machine) }
        machine.programs["/bin/systemctl"] = { [self] call, machine in
            let words = call.arguments.filter { !$0.hasPrefix("--") || $0.hasPrefix("--runtime") }
            let verb = words.first ?? ""
            if verb == "show" {
                let wanted = call.arguments.first { $0.hasPrefix("--property=") } ?? ""
                return show(Array(words.dropFirst()), wanted, on: machine)
            }
            if verb == "daemon-reload" {
                reload(on: machine)
                return ProgramResult(end: .exited(0))
            }
            return job(verb, words.last ?? "", isRuntime: words.contains("--runtime"), on: machine)
        }
    }

    // MARK: Showing

    private func show(
        _ names: [String], _ wanted: String, on machine: FakeMachine
    ) -> ProgramResult {
        let properties = wanted.dropFirst("--property=".count).split(separator: ",").map(
            String.init)
        var blocks: [String] = []
        for name in names {
            if name.contains("*") {
                let parts = name.split(separator: "*", omittingEmptySubsequences: false)
                let matching = units.keys.filter {
                    $0.hasPrefix(parts[0]) && $0.hasSuffix(parts[1])
                }
                blocks += matching.sorted().map { block($0, properties, on: machine) }
            } else {
                blocks.append(block(name, properties, on: machine))
            }
        }
        // Systemctl prints properties in an order of its own.
        let text = blocks.joined(separator: "\n")
        return ProgramResult(end: .exited(0), output: Array(text.utf8))
    }

    private func block(_ name: String, _ wanted: [String], on machine: FakeMachine) -> String {
        let properties = properties(of: name, on: machine)
        return wanted.reversed().map { "\($0)=\(properties[$0] ?? "")\n" }.joined()
    }

    private func properties(of name: String, on machine: FakeMachine) -> [String: String] {
        var properties = [
            "Id": name, "LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead",
            "NeedDaemonReload": "no", "RemainAfterExit": "no", "Result": "success",
            "CanReload": "no",
        ]
        let id = id(of: name)
        if units[id] == nil, file(of: id, on: machine) != nil { load(id, on: machine) }
        guard let unit = units[id]?.object else {
            properties["LoadError"] =
                "org.freedesktop.systemd1.NoSuchUnit \"Unit \(name) not found.\""
            return properties
        }
        properties["Id"] = id
        properties["LoadState"] = "loaded"
        properties["Type"] = "simple"
        properties["FragmentPath"] = "/lib/systemd/system/\(id)"
        for (key, value) in unit { if let text = value.string { properties[key] = text } }
        if ["masked", "masked-runtime"].contains(properties["UnitFileState"]) {
            properties["LoadState"] = "masked"
        }
        let paths =
            [properties["FragmentPath"] ?? ""]
            + (properties["DropInPaths"] ?? "").split(separator: " ").map(String.init)
        for path in paths where path.hasPrefix(FakeSystemd.folder + "/") {
            if let before = loadedTexts[path], before != machine.text(path) {
                properties["NeedDaemonReload"] = "yes"
            }
        }
        return properties
    }

    private func id(of name: String) -> String {
        units.first {
            $0.value["Names"]?.string?.split(separator: " ").contains { $0 == name } ?? false
        }?
        .key ?? name
    }

    // MARK: Loading

    private func file(of name: String, on machine: FakeMachine) -> String? {
        let at = name.firstIndex(of: "@")
        let dot = name.lastIndex(of: ".") ?? name.endIndex
        let names = [name] + (at.map { [String(name[...$0]) + name[dot...]] } ?? [])
        return names.map { "\(FakeSystemd.folder)/\($0)" }.first { machine.text($0) != nil }
    }

    private func load(_ name: String, on machine: FakeMachine) {
        guard let path = file(of: name, on: machine), let text = machine.text(path) else { return }
        units[name] = [
            "FragmentPath": .string(path),
            "UnitFileState": text.contains("[Install]") ? "disabled" : "static",
            "Type": text.contains("Type=oneshot") ? "oneshot" : "simple",
        ]
        remember(name, on: machine)
    }

    private func remember(_ name: String, on machine: FakeMachine) {
        let paths =
            [set(name)["FragmentPath"]?.string ?? ""]
            + (set(name)["DropInPaths"]?.string ?? "").split(separator: " ").map(String.init)
        for path in paths { loadedTexts[path] = .some(machine.text(path)) }
    }

    private func reload(on machine: FakeMachine) {
        for name in units.keys {
            var unit = set(name)
            unit["NeedDaemonReload"] = nil
            if let path = file(of: name, on: machine) {
                unit["FragmentPath"] = .string(path)
                if ["not-found", "error"].contains(unit["LoadState"]?.string) {
                    unit["LoadState"] = nil
                }
            } else if unit["FragmentPath"]?.string?.hasPrefix(FakeSystemd.folder) ?? false {
                unit["FragmentPath"] = ""
                unit["LoadState"] = "not-found"
            }
            let others = (unit["DropInPaths"]?.string ?? "").split(separator: " ").map(String.init)
                .filter { !$0.hasPrefix(FakeSystemd.folder) }
            let template = name.firstIndex(of: "@").map { String(name[...$0]) + ".service" }
            let folders = [name, template].compactMap { $0 }.map {
                "\(FakeSystemd.folder)/\($0).d/"
            }
            let own = machine.nodes.keys.filter { path in
                folders.contains { path.hasPrefix($0) } && path.hasSuffix(".conf")
            }
            unit["DropInPaths"] = .string((others + own.sorted()).joined(separator: " "))
            units[name] = .object(unit)
            remember(name, on: machine)
        }
    }

    // MARK: Jobs

    private func set(_ name: String) -> [String: JSON] { units[name]?.object ?? [:] }

    private func job(
        _ verb: String, _ name: String, isRuntime: Bool, on machine: FakeMachine
    ) -> ProgramResult {
        func failed(_ status: Int32, _ text: String) -> ProgramResult {
            ProgramResult(end: .exited(status), errorOutput: Array((text + "\n").utf8))
        }
        let found = properties(of: name, on: machine)
        let id = found["Id"] ?? name
        var unit = set(id)
        if verb == "status" {
            let text =
                "● \(id)\n     Active: \(found["ActiveState"] ?? "")\n\n"
                + (unit["log"]?.string ?? "")
            return ProgramResult(end: .exited(3), output: Array(text.utf8))
        }
        if let text = unit["refuses"]?[verb]?.string { return failed(1, text) }
        let isFound = found["LoadState"] != "not-found" || found["ActiveState"] != "inactive"
        if !isFound, !["mask", "unmask"].contains(verb) {
            return failed(5, "Failed to \(verb) \(name): Unit \(name) not found.")
        }
        switch verb {
        case "start", "restart", "reload-or-restart":
            for (key, value) in unit["after_start"]?.object
                ?? ["ActiveState": "active", "SubState": "running"]
            { unit[key] = value }
            if let writes = unit["writes"] { try? machine.put(tree: writes) }
        case "reload": break
        case "stop":
            unit["ActiveState"] = "inactive"
            unit["SubState"] = "dead"
        case "enable": unit["UnitFileState"] = isRuntime ? "enabled-runtime" : "enabled"
        case "disable": unit["UnitFileState"] = "disabled"
        case "mask":
            if machine.text("\(FakeSystemd.folder)/\(id)") != nil {
                return failed(1, "Failed to mask unit: File \(id) already exists.")
            }
            unit["unmasked"] = unit["UnitFileState"] ?? (isFound ? "disabled" : nil)
            unit["UnitFileState"] = isRuntime ? "masked-runtime" : "masked"
        case "unmask":
            if found["UnitFileState"] == (isRuntime ? "masked-runtime" : "masked") {
                unit["UnitFileState"] = unit["unmasked"] ?? "disabled"
                unit["LoadState"] = nil
            }
        default: return failed(1, "Unknown command verb \(verb).")
        }
        units[id] = .object(unit)
        return ProgramResult(end: .exited(0))
    }
}
