/// A profile of tuned with everything it includes: units of settings, and variables.
package struct TunedProfile {
    /// Why a profile cannot be read: it does not exist, or profiles include each other.
    package struct Fault: Error, Equatable {
        package let cause: String
        package let hint: String?
    }

    struct Unit {
        var name: String
        var settings: [TunedFile.Setting]
    }

    /// Reads a file; nil where there is none.
    package typealias Reader = (_ path: String) -> String?

    package let name: String
    package private(set) var summary = ""
    /// The profiles it includes, the farthest first.
    package private(set) var includes: [String] = []
    private(set) var units: [Unit] = []
    private(set) var variables = TunedVariables()
    private(set) var refused: [TunedRefusal] = []

    private let folders: [String]
    private let read: Reader

    /// Reads the profile from the first folder that has that name; a path is the folder itself.
    package init(_ name: String, folders: [String], read: @escaping Reader) throws(Fault) {
        let isFolder = name.contains("/")
        self.name =
            name.split(separator: "/").last.map(String.init) ?? name
        self.folders = folders
        self.read = read
        try add(name, isFolder: isFolder, above: [])
        includes.removeLast()
    }

    private mutating func add(_ name: String, isFolder: Bool, above: [String]) throws(Fault) {
        if above.contains(name) {
            throw Fault(
                cause:
                    "the profiles \((above + [name]).joined(separator: " → ")) include each other",
                hint: nil)
        }
        let candidates = isFolder ? [name] : folders.map { "\($0)/\(name)" }
        guard let folder = candidates.first(where: { read("\($0)/tuned.conf") != nil }),
            let text = read("\(folder)/tuned.conf")
        else {
            let places = candidates.joined(separator: " and ")
            throw Fault(
                cause: "there is no tuned.conf in \(places)"
                    + (above.last.map { ", which \($0) includes" } ?? ""),
                hint: "--profiles DIR names a folder of profiles")
        }
        let file = TunedFile(text, path: "\(folder)/tuned.conf")
        let main = file.section("main")
        for setting in main?.settings ?? [] where setting.name == "include" {
            if setting.value.contains("${") {
                refused.append(
                    TunedRefusal(
                        setting.place, "include=\(setting.value)",
                        "tuned decides on the host which profile it includes",
                        hint: "name the intended profile instead"))
                continue
            }
            for other in setting.value.split(whereSeparator: { ",; ".contains($0) }) {
                try add(String(other), isFolder: false, above: above + [name])
            }
        }
        includes.append(self.shortName(name))
        if let text = main?.settings.first(where: { $0.name == "summary" })?.value {
            summary = text
        }
        addVariables(file)
        for section in file.sections
        where !["", "main", "variables"].contains(section.name) { merge(section, in: folder) }
    }

    private func shortName(_ name: String) -> String {
        name.split(separator: "/").last.map(String.init) ?? name
    }

    private mutating func addVariables(_ file: TunedFile) {
        for setting in file.section("variables")?.settings ?? [] {
            if setting.name == "include" {
                guard let text = read(setting.value) else { continue }
                let included = TunedFile(text, path: setting.value)
                for section in included.sections where ["", "variables"].contains(section.name) {
                    for setting in section.settings { variables.set(setting) }
                }
            } else {
                variables.set(setting)
            }
        }
    }

    /// Merges a section; a unit of an included profile keeps what the including one does not set.
    private mutating func merge(_ section: TunedFile.Section, in folder: String) {
        let settings = section.settings.map { setting in
            var setting = setting
            setting.value = setting.value.replacing("${i:PROFILE_DIR}", with: folder)
            return setting
        }
        let replaces = settings.contains {
            $0.name == "replace" && ["1", "true", "True", "yes"].contains($0.value)
        }
        guard !replaces, let place = units.firstIndex(where: { $0.name == section.name }) else {
            units.removeAll { $0.name == section.name }
            units.append(Unit(name: section.name, settings: settings))
            return
        }
        for setting in settings {
            if let same = units[place].settings.firstIndex(where: { $0.name == setting.name }) {
                units[place].settings[same] = setting
            } else {
                units[place].settings.append(setting)
            }
        }
    }
}

/// A setting of a profile that no resource can express, and why.
package struct TunedRefusal: Equatable {
    package let place: String
    package let setting: String
    package let reason: String
    package let hint: String?

    init(_ place: String, _ setting: String, _ reason: String, hint: String? = nil) {
        self.place = place
        self.setting = setting
        self.reason = reason
        self.hint = hint
    }
}
