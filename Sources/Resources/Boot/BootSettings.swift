import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// Settings that sysfs loses at a reboot, kept in one record for each resource and applied at boot.
///
/// The unit runs `muster-agent boot` from an installed copy of the agent, which does not depend on
/// the agents that controllers upload and remove.
package enum BootSettings {
    package static let folder = "/etc/muster/boot.d"
    package static let program = "/usr/local/sbin/muster-agent"

    /// What is recorded of one resource for the next boot.
    package struct State: Sendable, Equatable {
        /// The recorded attributes; nil if there is no record.
        var recorded: [String: JSON]?
        /// Why the records would not be applied at boot; nil if they would.
        var obstacle: String?
    }

    /// When records of the kind are applied at boot; nil for a kind that has no boot records.
    private static func order(of kind: Kind) -> BootOrder? {
        (kind.declarationType as? any BootKeptDeclaration.Type)?.bootOrder
    }

    private static func stage(of declaration: any BootKeptDeclaration) -> BootStage {
        type(of: declaration).bootOrder.stage
    }

    package static func path(_ record: BootRecord) -> String {
        let name = record.name.utf8.map { byte -> String in
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95: String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }.joined()
        return "\(folder)/\(record.kind.rawValue)-\(name).json"
    }

    // MARK: Reading

    static func observe(
        _ declaration: any BootKeptDeclaration, on machine: any Machine
    ) throws(AgentFault) -> State {
        let path = path(declaration.record)
        let text = try machine.readText(path)
        guard let text else { return State() }
        guard let read = read(text) else {
            return State(recorded: [:], obstacle: "\(path) is not a valid record")
        }
        return State(
            recorded: read.attributes,
            obstacle: try obstacle(stage(of: declaration), on: machine))
    }

    private static func read(_ text: String) -> BootRecord? {
        guard let json = try? JSON(parsing: Array(text.utf8)),
            let kind = json["kind"]?.string.flatMap(Kind.init(rawValue:)),
            let name = json["name"]?.string, let attributes = json["attributes"]?.object
        else { return nil }
        return BootRecord(kind, name, attributes)
    }

    private static func obstacle(
        _ stage: BootStage, on machine: any Machine
    ) throws(AgentFault) -> String? {
        try attempt("look at \(stage.unit).service") { () throws(SystemError) in
            if try machine.textIfPresent(stage.path) != stage.text {
                return "\(stage.unit).service differs from what muster writes"
            }
            guard try machine.statusIfPresent(stage.link) != nil else {
                return "\(stage.unit).service is not enabled"
            }
            let status = try machine.statusIfPresent(program)
            guard let status, status.type == .file, status.mode & 0o111 != 0 else {
                return "\(program) is missing or not executable"
            }
            if status.size == 0 { return "\(program) is empty" }
            return nil
        }
    }

    /// The records of a stage, in the order in which they are applied.
    ///
    /// An invalid record is returned as a fault beside the valid ones. Throws if the directory or a
    /// file cannot be read.
    package static func records(
        of stage: BootStage, on machine: any Machine
    ) throws(AgentFault) -> (records: [BootRecord], faults: [AgentFault]) {
        var records: [(record: BootRecord, order: BootOrder)] = []
        var faults: [AgentFault] = []
        let names = try attempt("list \(folder)") { () throws(SystemError) in
            try machine.listIfPresent(folder)
        }
        for name in names where name.hasSuffix(".json") {
            let path = "\(folder)/\(name)"
            let text = try machine.readText(path)
            guard let record = read(text ?? "") else {
                faults.append(
                    AgentFault("bad-record", "read \(path)", cause: "it is not a valid record"))
                continue
            }
            guard let order = order(of: record.kind) else {
                faults.append(
                    AgentFault(
                        "bad-record", "read \(path)",
                        cause: "records of \(record.kind.rawValue) are not applied at boot"))
                continue
            }
            if order.stage == stage { records.append((record, order)) }
        }
        let sorted = records.enumerated().sorted {
            ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
        }
        return (sorted.map(\.element.record), faults)
    }

    // MARK: Comparing

    static func changes(_ declaration: any BootKeptDeclaration, _ state: State) -> [Change] {
        guard declaration.isKept else {
            if state.recorded == nil { return [] }
            return [Change("state", before: "present", after: "absent")]
        }
        let wanted = declaration.record.attributes
        var changes: [Change] = []
        let schema = type(of: declaration).schema
        let others = Set(wanted.keys).union((state.recorded ?? [:]).keys)
            .subtracting(schema.attributes.map(\.name))
        for attribute in schema.attributes.map(\.name) + others.sorted() {
            let before = state.recorded?[attribute]
            // Without a record, an attribute at its default is not a change.
            let usual = schema.attribute(attribute)?.defaultValue
            if state.recorded == nil, wanted[attribute] == usual { continue }
            if before != wanted[attribute] {
                changes.append(Change(attribute, before: before, after: wanted[attribute]))
            }
        }
        if changes.isEmpty, state.recorded == nil {
            changes.append(Change("state", before: "absent", after: "present"))
        }
        if changes.isEmpty, let obstacle = state.obstacle {
            changes.append(Change("boot_unit", before: .string(obstacle), after: "enabled"))
        }
        return changes
    }

    // MARK: Changing

    static func images(
        _ declaration: any BootKeptDeclaration, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        let stage = stage(of: declaration)
        var paths = [
            "/etc/muster", folder, path(declaration.record), stage.path,
            PathName.parent(of: stage.link), stage.link,
        ]
        let isStale = try programIsStale(on: host)
        if !declaration.isKept || isStale { paths.append(program) }
        var images: [BeforeImage] = []
        for path in paths {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            images.append(try found.fullImage(path, on: host))
        }
        return images
    }

    /// Whether the program that the boot unit runs differs from this agent.
    ///
    /// Compares all bytes: two builds can have the same size, and a power cut can leave a file of
    /// the right size without its content.
    /// A program that was compared in this run is compared again only if its file has changed.
    private static func programIsStale(on host: Host) throws(AgentFault) -> Bool {
        let machine = host.machine
        return try attempt("look at \(program)") { () throws(SystemError) in
            guard let there = try machine.statusIfPresent(program), there.type == .file,
                there.mode & 0o111 != 0
            else { return true }
            if there == host.comparedBootProgram { return false }
            let own = try machine.status("/proc/self/exe", followLinks: true)
            if there.size != own.size { return true }
            guard try isCopy(program, of: "/proc/self/exe", on: machine) else { return true }
            host.comparedBootProgram = there
            return false
        }
    }

    private static func isCopy(
        _ path: String, of other: String, on machine: any Machine
    ) throws(SystemError) -> Bool {
        var offset = 0
        while true {
            let wanted = try machine.read(other, from: offset, count: 1 << 18)
            let found = try machine.read(path, from: offset, count: 1 << 18)
            guard wanted.count == found.count, memcmp(wanted, found, wanted.count) == 0 else {
                return false
            }
            if wanted.isEmpty { return true }
            offset += wanted.count
        }
    }

    /// Writes or removes the record; with the last record, also removes the units and the program.
    static func put(
        _ declaration: any BootKeptDeclaration, on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        let record = declaration.record
        let stage = stage(of: declaration)
        let path = path(record)
        guard declaration.isKept else {
            // The record goes last: as long as it exists, an interrupted removal is done again.
            try removeWhatNothingNeeds(besides: record, on: machine)
            try remove(path, on: machine)
            return try removeEmptyFolders([folder, "/etc/muster"], on: machine)
        }
        if try programIsStale(on: host) {
            try makeDirectory(PathName.parent(of: program), on: machine)
            try NewFile(
                path: program, content: .copy(of: "/proc/self/exe"), mode: 0o755, uid: 0, gid: 0
            ).put(on: machine)
        }
        try makeDirectory(PathName.parent(of: stage.link), on: machine)
        try NewFile(
            path: stage.path, content: Array(stage.text.utf8), mode: 0o644, uid: 0, gid: 0
        ).put(on: machine)
        try attempt("enable \(stage.unit).service") { () throws(SystemError) in
            try machine.replaceLink(stage.link, target: stage.path)
        }
        try makeDirectory("/etc/muster", on: machine)
        try makeDirectory(folder, on: machine)
        let json: JSON = [
            "kind": .string(record.kind.rawValue), "name": .string(record.name),
            "attributes": .object(record.attributes),
        ]
        try NewFile(
            path: path, content: json.canonicalBytes + [10], mode: 0o644, uid: 0, gid: 0
        ).put(on: machine)
    }

    private static func removeWhatNothingNeeds(
        besides record: BootRecord, on machine: any Machine
    ) throws(AgentFault) {
        var isNeeded = false
        for stage in BootStage.allCases {
            let left = try records(of: stage, on: machine)
            let others = left.records.filter { ($0.kind, $0.name) != (record.kind, record.name) }
            if others.isEmpty, left.faults.isEmpty {
                try remove(stage.link, on: machine)
                try remove(stage.path, on: machine)
            } else {
                isNeeded = true
            }
        }
        if !isNeeded { try remove(program, on: machine) }
    }

    /// Removes those of the directories that are empty, in the order given: the deepest first.
    static func removeEmptyFolders(
        _ folders: [String], on machine: any Machine
    ) throws(AgentFault) {
        for folder in folders {
            try attempt("remove the empty \(folder)") { () throws(SystemError) in
                guard try machine.statusIfPresent(folder) != nil,
                    try machine.list(folder).isEmpty
                else { return }
                try machine.remove(folder)
            }
        }
    }

    private static func remove(_ path: String, on machine: any Machine) throws(AgentFault) {
        try attempt("remove \(path)") { () throws(SystemError) in
            if try machine.statusIfPresent(path) != nil { try machine.remove(path) }
        }
    }
}
