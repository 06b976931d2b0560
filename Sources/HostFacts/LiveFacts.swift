import Linux
import Wire

/// The live state: what changes while the host runs.
enum LiveFacts {
    /// Units of services: one call for what is loaded, one for what is on disk.
    static func services(_ probe: inout Probe) -> JSON {
        var services: [String: [String: JSON]] = [:]
        let files = lines(
            &probe, ["list-unit-files", "--type=service", "--no-legend", "--no-pager", "--plain"])
        let units = lines(
            &probe,
            ["list-units", "--all", "--type=service", "--no-legend", "--no-pager", "--plain"])
        guard let files, let units else { return .null }
        for words in files where words.count >= 2 {
            services[name(words[0]), default: [:]]["enabled"] = .string(String(words[1]))
        }
        for words in units where words.count >= 4 && words[1] == "loaded" {
            services[name(words[0]), default: [:]]["state"] = .string(String(words[2]))
        }
        return .object(
            services.mapValues { values in
                .object([
                    "state": values["state"] ?? "inactive", "enabled": values["enabled"] ?? .null,
                ])
            })
    }

    private static func name(_ unit: Substring) -> String {
        unit.hasSuffix(".service") ? String(unit.dropLast(8)) : String(unit)
    }

    private static func lines(_ probe: inout Probe, _ arguments: [String]) -> [[Substring]]? {
        let result: ProgramResult
        do throws(SystemError) {
            result = try probe.machine.run(
                ProgramCall("/usr/bin/systemctl", arguments, timeoutSeconds: 20))
        } catch {
            probe.fail("services", "\(error)")
            return nil
        }
        guard result.succeeded else {
            probe.fail("services", "systemctl \(result.endText): \(result.errorText.prefix(200))")
            return nil
        }
        return result.outputText.filledLines.map { $0.split(separator: " ") }
    }

    /// Loaded kernel modules; a version only where the module has one.
    static func modules(_ probe: inout Probe) -> JSON {
        guard let text = probe.text("/proc/modules", as: "modules") else { return .null }
        var modules: [String: JSON] = [:]
        for line in text.filledLines {
            let name = String(line.prefix { $0 != " " })
            let version = probe.optionalText("/sys/module/\(name)/version")
            modules[name] = ["version": .optional(version) ?? .null]
        }
        return .object(modules)
    }

    static func mounts(_ probe: inout Probe) -> JSON {
        guard let text = probe.text("/proc/self/mounts", as: "mounts", limit: 8 << 20) else {
            return .null
        }
        var mounts: [String: JSON] = [:]
        for line in text.filledLines {
            let words = line.split(separator: " ")
            guard words.count >= 4 else { continue }
            mounts[MountTable.unescaped(words[1])] = [
                "device": .string(MountTable.unescaped(words[0])),
                "type": .string(String(words[2])),
                "options": .strings(words[3].split(separator: ",").map(String.init)),
            ]
        }
        return .object(mounts)
    }
}
