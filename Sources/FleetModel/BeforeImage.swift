import Wire

/// The state before a change: enough to restore it.
package enum BeforeImage: ModelCodable, Equatable {
    /// A path that did not exist.
    case nothing(path: String)
    /// A regular file; its content is kept as a blob beside the journal.
    case file(path: String, content: Digest, mode: Int, uid: Int, gid: Int)
    case directory(path: String, mode: Int, uid: Int, gid: Int)
    case symlink(path: String, target: String)
    /// The owner and mode of a path whose content is not touched.
    case metadata(path: String, mode: Int, uid: Int, gid: Int)
    /// A kernel parameter's running value.
    case sysctl(key: String, value: String)
    /// What a file of /sys or /proc held.
    case kernelFile(path: String, value: String)
    /// The CPUs that a process or thread was allowed to run on; the process number is valid for one
    /// boot only.
    case affinity(pid: Int, cpus: String)
    /// Whether a kernel module was loaded.
    case module(name: String, isLoaded: Bool)
    /// A part of a network link, `rings` or `network`: its state as the JSON that restoring reads;
    /// for `firmware` its versions.
    case link(name: String, setting: String, value: String)
    /// A unit's state as systemd reported it.
    case unit(name: String, active: String, enabled: String)
    /// A package's version, nil where it was not installed, and whether it was held.
    case package(name: String, version: String?, held: Bool)
    /// One line of an account file, `/etc/passwd` or `/etc/shadow`, by the name it begins with.
    ///
    /// The line is kept as a blob, since it may hold a password's hash; nil where there was no
    /// line.
    case accountLine(file: String, name: String, line: Digest?)
    /// Something derived from files or read when a service starts, so that it is made again after
    /// the files are restored.
    ///
    /// `initramfs`, `depmod 6.1.0-50-amd64`, `restart systemd-resolved.service`.
    case derived(String)

    /// The content that is kept as a blob for it.
    package var content: Digest? {
        switch self {
        case .file(_, let content, _, _, _): content
        case .accountLine(_, _, let line): line
        case .nothing, .directory, .symlink, .metadata, .sysctl, .kernelFile, .affinity, .module,
            .link, .unit, .package, .derived:
            nil
        }
    }

    package var json: JSON {
        switch self {
        case .nothing(let path): ["type": "nothing", "path": .string(path)]
        case .file(let path, let content, let mode, let uid, let gid):
            [
                "type": "file", "path": .string(path), "content": .string(content.description),
                "mode": .integer(mode), "uid": .integer(uid), "gid": .integer(gid),
            ]
        case .directory(let path, let mode, let uid, let gid):
            [
                "type": "directory", "path": .string(path), "mode": .integer(mode),
                "uid": .integer(uid), "gid": .integer(gid),
            ]
        case .metadata(let path, let mode, let uid, let gid):
            [
                "type": "metadata", "path": .string(path), "mode": .integer(mode),
                "uid": .integer(uid), "gid": .integer(gid),
            ]
        case .symlink(let path, let target):
            ["type": "symlink", "path": .string(path), "target": .string(target)]
        case .sysctl(let key, let value):
            ["type": "sysctl", "key": .string(key), "value": .string(value)]
        case .kernelFile(let path, let value):
            ["type": "kernel_file", "path": .string(path), "value": .string(value)]
        case .affinity(let pid, let cpus):
            ["type": "affinity", "pid": .integer(pid), "cpus": .string(cpus)]
        case .module(let name, let isLoaded):
            ["type": "module", "name": .string(name), "loaded": .bool(isLoaded)]
        case .link(let name, let setting, let value):
            [
                "type": "link", "name": .string(name), "setting": .string(setting),
                "value": .string(value),
            ]
        case .unit(let name, let active, let enabled):
            [
                "type": "unit", "name": .string(name), "active": .string(active),
                "enabled": .string(enabled),
            ]
        case .package(let name, let version, let held):
            .compact([
                "type": "package", "name": .string(name), "version": .optional(version),
                "held": .bool(held),
            ])
        case .accountLine(let file, let name, let line):
            .compact([
                "type": "account_line", "file": .string(file), "name": .string(name),
                "line": .optional(line?.description),
            ])
        case .derived(let what): ["type": "derived", "what": .string(what)]
        }
    }

    package init(json: JSON) throws(JSONError) {
        var reader = try MemberReader(json, as: "before-image")
        let type = try reader.string("type")
        switch type {
        case "nothing": self = .nothing(path: try reader.string("path"))
        case "file":
            self = .file(
                path: try reader.string("path"), content: try reader.digest("content"),
                mode: try reader.integer("mode"), uid: try reader.integer("uid"),
                gid: try reader.integer("gid"))
        case "directory":
            self = .directory(
                path: try reader.string("path"), mode: try reader.integer("mode"),
                uid: try reader.integer("uid"), gid: try reader.integer("gid"))
        case "metadata":
            self = .metadata(
                path: try reader.string("path"), mode: try reader.integer("mode"),
                uid: try reader.integer("uid"), gid: try reader.integer("gid"))
        case "symlink":
            self = .symlink(path: try reader.string("path"), target: try reader.string("target"))
        case "sysctl":
            self = .sysctl(key: try reader.string("key"), value: try reader.string("value"))
        case "kernel_file":
            self = .kernelFile(
                path: try reader.string("path"), value: try reader.string("value"))
        case "affinity":
            self = .affinity(
                pid: try reader.integer("pid"), cpus: try reader.string("cpus"))
        case "module":
            self = .module(
                name: try reader.string("name"), isLoaded: try reader.bool("loaded"))
        case "link":
            self = .link(
                name: try reader.string("name"), setting: try reader.string("setting"),
                value: try reader.string("value"))
        case "unit":
            self = .unit(
                name: try reader.string("name"), active: try reader.string("active"),
                enabled: try reader.string("enabled"))
        case "package":
            self = .package(
                name: try reader.string("name"), version: try reader.optionalString("version"),
                held: try reader.bool("held"))
        case "account_line":
            let line = try reader.optionalString("line")
            let digest = line.flatMap { Digest($0) }
            if line != nil, digest == nil {
                throw JSONError("\"line\" of before-image is not a digest")
            }
            self = .accountLine(
                file: try reader.string("file"), name: try reader.string("name"), line: digest)
        case "derived": self = .derived(try reader.string("what"))
        default: throw JSONError("unknown before-image \"\(type)\"")
        }
        try reader.end()
    }
}
