import FleetModel
import Kinds
import Linux
import SystemFaults

/// OpenOnload's settings in files: module options, sysconfig, loading at boot, depmod's choice.
struct OnloadSettings: Sendable {
    var optionsText: String?
    var overrideText: String?
    var loadText: String?
    var rulesText: String?
    /// Whether anything loads the module at boot.
    var isLoadedAtBoot = false
    var sysconfigText: String?
    var sysconfigMode: UInt32 = 0o644
    /// The options that modprobe would give each module, from all files.
    var persisted: [String: [String: (text: String, source: String)]] = [:]
    /// The existing devices, by name.
    var devices: [String: FileStatus] = [:]
    var accounts = Accounts()

    static let deviceNames = ["onload", "onload_epoll", "sfc_char"]

    init(_ declaration: OnloadDeclaration, on machine: any Machine) throws(AgentFault) {
        optionsText = try machine.readText(OnloadDeclaration.optionsFile)
        overrideText = try machine.readText(OnloadDeclaration.overrideFile)
        loadText = try machine.readText(OnloadDeclaration.loadFile)
        rulesText = try machine.readText(OnloadDeclaration.rulesFile)
        isLoadedAtBoot = try Self.isLoadedAtBoot(on: machine)
        let path = OnloadDeclaration.sysconfigFile
        sysconfigText = try machine.readText(path)
        try attempt("look at \(path)") { () throws(SystemError) in
            sysconfigMode = try machine.statusIfPresent(path)?.mode ?? 0o644
            for name in Self.deviceNames {
                devices[name] = try machine.statusIfPresent("/dev/\(name)")
            }
        }
        let options = try ModprobeOptions(on: machine)
        for module in OnloadDeclaration.modules { persisted[module] = options.of(module) }
        accounts = try Accounts(on: machine)
    }

    private static func isLoadedAtBoot(on machine: any Machine) throws(AgentFault) -> Bool {
        for folder in [
            "/etc/modules-load.d", "/run/modules-load.d", "/usr/local/lib/modules-load.d",
            "/usr/lib/modules-load.d", "/lib/modules-load.d",
        ] {
            let names = try attempt("list \(folder)") { () throws(SystemError) in
                try machine.listIfPresent(folder)
            }
            for name in names where name.hasSuffix(".conf") {
                let text = try machine.readText("\(folder)/\(name)") ?? ""
                if text.filledLines.contains(where: { $0.trimmingSpaces() == "onload" }) {
                    return true
                }
            }
        }
        return false
    }

    // MARK: What they are to hold

    static let head = "# Declared to muster; muster-agent puts this file back.\n"

    static func optionsText(_ declaration: OnloadDeclaration) -> String? {
        let lines = declaration.options.sorted { $0.key < $1.key }.map { module, options in
            "options \(module) "
                + options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                .joined(separator: " ") + "\n"
        }
        return lines.isEmpty ? nil : head + lines.joined()
    }

    /// The udev rules: one for each device for which there are settings (udev(7)).
    static func rulesText(_ declaration: OnloadDeclaration) -> String? {
        let lines = deviceNames.compactMap { name in
            let prefix = name == "sfc_char" ? "SFC_CHAR" : "ONLOAD"
            let parts = [("MODE", "MODE"), ("OWNER", "USER"), ("GROUP", "GROUP")].compactMap {
                key, setting in
                declaration.sysconfig["\(prefix)_\(setting)"].map { "\(key)=\"\($0)\"" }
            }
            return parts.isEmpty
                ? nil : "KERNEL==\"\(name)\", \(parts.joined(separator: ", "))\n"
        }
        return lines.isEmpty ? nil : head + lines.joined()
    }

    /// A setting of sysconfig as the shell that sources the file takes it: the last one counts.
    static func value(_ key: String, in text: String) -> String? {
        var value: String?
        for line in text.filledLines {
            let words = line.trimmingSpaces()
            guard words.hasPrefix("\(key)=") else { continue }
            let raw = words.dropFirst(key.utf8.count + 1)
            value =
                if let quote = raw.first, quote == "\"" || quote == "'" {
                    String(raw.dropFirst().prefix { $0 != quote })
                } else {
                    String(raw.prefix { !$0.isWhitespace && $0 != "#" && $0 != ";" })
                }
        }
        return value
    }

    /// The text with these settings: lines with other values are removed, new ones are appended.
    static func sysconfigText(_ wanted: [String: String], in text: String) -> String {
        var lines = text.rawLines.map(String.init)
        for (key, value) in wanted.sorted(by: { $0.key < $1.key }) {
            if self.value(key, in: text) == value { continue }
            let line =
                "\(key)="
                + (value.contains { " #;&|()<>*?[]~".contains($0) } ? "\"\(value)\"" : value)
            lines.removeAll { earlier in
                earlier.trimmingSpaces().hasPrefix("\(key)=") && earlier != line
            }
            if !lines.contains(line) { lines.append(line) }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The mode and owner that the settings give a device; nil where they give none.
    func wanted(_ device: String, _ settings: [String: String]) -> (
        mode: UInt32?, uid: UInt32?, gid: UInt32?
    ) {
        let prefix = device == "sfc_char" ? "SFC_CHAR" : "ONLOAD"
        return (
            settings["\(prefix)_MODE"].flatMap { UInt32($0, radix: 8) },
            settings["\(prefix)_USER"].flatMap { accounts.uid(of: $0) },
            settings["\(prefix)_GROUP"].flatMap { accounts.gid(of: $0) }
        )
    }

    /// Users and groups that the settings name and the host does not have.
    ///
    /// Throws if the account database could not be asked.
    func missingAccounts(_ settings: [String: String]) throws(AgentFault) -> [String] {
        var missing: [String] = []
        for (key, value) in settings.sorted(by: { $0.key < $1.key }) {
            if key.hasSuffix("_USER"), try accounts.knownUID(of: value) == nil {
                missing.append("user \(value)")
            }
            if key.hasSuffix("_GROUP"), try accounts.knownGID(of: value) == nil {
                missing.append("group \(value)")
            }
        }
        return missing
    }
}
