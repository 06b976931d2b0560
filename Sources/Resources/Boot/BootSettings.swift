import FleetModel
import Kinds
import Linux
import Wire

/// What sysfs would forget, kept for the next boot: one record for each resource, and one unit that
/// has the agent's own code carry them out.
///
/// `muster-agent boot`, from a copy of the agent that stays where it is when agents come and go.
package enum BootSettings {
    package static let folder = "/etc/muster/boot.d"
    package static let program = "/usr/local/sbin/muster-agent"
    private static let unitFolder = "/etc/systemd/system"

    /// When records are carried out: before any service, or once links are up.
    package enum Stage: String, Sendable, CaseIterable {
        case early, late

        package var unit: String { self == .early ? "muster-boot" : "muster-boot-late" }
        var path: String { "\(BootSettings.unitFolder)/\(unit).service" }
        var target: String { self == .early ? "sysinit.target" : "multi-user.target" }
        var link: String { "\(BootSettings.unitFolder)/\(target).wants/\(unit).service" }

        var text: String {
            let order =
                self == .early
                ? """
                DefaultDependencies=no
                Conflicts=shutdown.target
                After=local-fs.target systemd-modules-load.service systemd-sysctl.service
                Before=sysinit.target shutdown.target
                """
                : """
                After=network.target network-online.target
                """
            return """
                # Made by muster-agent, which puts it back; the settings are in \(BootSettings.folder).
                [Unit]
                Description=Kernel settings that muster keeps from boot to boot (\(rawValue))
                \(order)
                RequiresMountsFor=\(BootSettings.program)

                [Service]
                Type=oneshot
                RemainAfterExit=yes
                ExecStart=\(BootSettings.program) boot \(rawValue)

                [Install]
                WantedBy=\(target)

                """
        }
    }

    /// What is kept of one resource.
    package struct State: Sendable, Equatable {
        /// The attributes recorded; nil where there is no record.
        var recorded: [String: JSON]?
        /// What keeps the records from being carried out at boot; nil where nothing does.
        var obstacle: String?
    }

    static func stage(of kind: Kind) -> Stage {
        [.nic, .irqAffinity, .cpuIsolation].contains(kind) ? .late : .early
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

    static func observe(_ record: BootRecord, on machine: any Machine) throws(AgentFault) -> State {
        let path = path(record)
        let text = try attempt("read \(path)") { () throws(SystemError) in
            try machine.textIfPresent(path)
        }
        guard let text else { return State() }
        guard let read = read(text) else {
            return State(recorded: [:], obstacle: "\(path) cannot be understood")
        }
        return State(
            recorded: read.attributes,
            obstacle: try obstacle(stage(of: record.kind), on: machine))
    }

    private static func read(_ text: String) -> BootRecord? {
        guard let json = try? JSON(parsing: Array(text.utf8)),
            let kind = json["kind"]?.string.flatMap(Kind.init(rawValue:)),
            let name = json["name"]?.string, let attributes = json["attributes"]?.object
        else { return nil }
        return BootRecord(kind, name, attributes)
    }

    private static func obstacle(
        _ stage: Stage, on machine: any Machine
    ) throws(AgentFault) -> String? {
        try attempt("look at \(stage.unit).service") { () throws(SystemError) in
            if try machine.textIfPresent(stage.path) != stage.text {
                return "\(stage.unit).service is not as it should be"
            }
            guard try machine.statusIfPresent(stage.link) != nil else {
                return "\(stage.unit).service is not enabled"
            }
            let status = try machine.statusIfPresent(program)
            guard let status, status.type == .file, status.mode & 0o111 != 0 else {
                return "\(program) is not there"
            }
            return nil
        }
    }

    /// The records of a stage, in the order they are to be carried out.
    ///
    /// One that cannot be understood is a fault beside them; throws where they cannot be read.
    package static func records(
        of stage: Stage, on machine: any Machine
    ) throws(AgentFault) -> (records: [BootRecord], faults: [AgentFault]) {
        var records: [BootRecord] = []
        var faults: [AgentFault] = []
        let names = try attempt("list \(folder)") { () throws(SystemError) in
            try machine.listIfPresent(folder)
        }
        for name in names where name.hasSuffix(".json") {
            let path = "\(folder)/\(name)"
            let text = try attempt("read \(path)") { () throws(SystemError) in
                try machine.textIfPresent(path)
            }
            guard let record = read(text ?? "") else {
                faults.append(
                    AgentFault("bad-record", "read \(path)", cause: "it cannot be understood"))
                continue
            }
            if BootSettings.stage(of: record.kind) == stage { records.append(record) }
        }
        func rank(_ record: BootRecord) -> Int { order.firstIndex(of: record.kind) ?? order.count }
        return (
            records.enumerated().sorted {
                (rank($0.element), $0.offset) < (rank($1.element), $1.offset)
            }.map(\.element), faults
        )
    }

    /// Threads before what is set for each CPU, pages while memory is whole; cards before their
    /// interrupts.
    private static let order: [Kind] = [.smt, .hugepages, .cpuPower, .nic]

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
            // With nothing kept yet, a default says nothing new.
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
        let stage = stage(of: declaration.record.kind)
        var paths = [
            "/etc/muster", folder, path(declaration.record), stage.path,
            PathName.parent(of: stage.link), stage.link,
        ]
        let isStale = try programIsStale(on: host.machine)
        if !declaration.isKept || isStale { paths.append(program) }
        var images: [BeforeImage] = []
        for path in paths {
            let found = try PathObservation(path, accounts: Accounts(), on: host.machine)
            if found.status?.type != .directory {
                images.append(try found.fullImage(path, on: host))
            }
        }
        return images
    }

    private static func programIsStale(on machine: any Machine) throws(AgentFault) -> Bool {
        try attempt("look at \(program)") { () throws(SystemError) in
            guard let there = try machine.statusIfPresent(program) else { return true }
            let own = try machine.status("/proc/self/exe", followLinks: true)
            return there.size != own.size || there.mode & 0o111 == 0
        }
    }

    /// Keeps the record or takes it away; with the last one go unit and program too.
    static func put(
        _ declaration: any BootKeptDeclaration, on machine: any Machine
    ) throws(AgentFault) {
        let record = declaration.record
        let stage = stage(of: record.kind)
        let path = path(record)
        guard declaration.isKept else {
            // The record last: while it is there, the rest is still to be done.
            try removeWhatNothingNeeds(besides: record, on: machine)
            try remove(path, on: machine)
            return try removeEmptyFolders([folder, "/etc/muster"], on: machine)
        }
        if try programIsStale(on: machine) {
            let bytes = try attempt("read the agent") { () throws(SystemError) in
                try machine.read("/proc/self/exe", limit: 64 << 20)
            }
            try makeDirectory(PathName.parent(of: program), on: machine)
            try NewFile(path: program, content: bytes, mode: 0o755, uid: 0, gid: 0)
                .put(on: machine)
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
        for stage in Stage.allCases {
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

    /// Removes directories of ours that hold nothing any more, the deepest first.
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
