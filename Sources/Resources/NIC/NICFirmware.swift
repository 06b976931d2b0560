import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `nic_firmware`.
package enum NICFirmwareBehaviour: ResourceBehaviour {
    /// One port, as its driver and devlink report it.
    struct Port: Sendable {
        var link: String
        /// As devlink names the card: `pci/0000:41:00.0`; nil for a link without a device.
        var device: String?
        /// The firmware text of the driver; nil where the driver reports none.
        var firmware: String?
        var running: [String: String] = [:]
        var stored: [String: String] = [:]
        /// Why devlink reports no versions; nil where it does, or was not asked.
        var silence: String?

        var version: String? { firmware?.split(separator: " ").first.map(String.init) }
        var variant: String {
            (firmware ?? "").split(separator: " ").dropFirst().joined(separator: " ")
        }
    }

    package struct Observation: Sendable {
        var ports: [Port]
        /// The port that muster's own connection uses.
        var ownPort: String?
    }

    static let devlink = "/sbin/devlink"

    package static func observe(
        _ declarations: [NICFirmwareDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let machine = host.machine
        let asks = declarations.contains { !$0.components.isEmpty }
        let info: DevlinkInfo
        do throws(AgentFault) {
            info = asks ? try DevlinkInfo(on: machine) : DevlinkInfo()
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return observeEach(declarations) { (declaration) throws(AgentFault) in
            let names = try NICFinder(machine: machine).links(declaration.name)
            var ports: [Port] = []
            for name in names { ports.append(try port(name, declaration, info, on: machine)) }
            let own =
                declaration.image == nil ? [] : try OwnConnection(machine: machine).links()
            return Observation(ports: ports, ownPort: names.first(where: own.contains))
        }
    }

    private static func port(
        _ name: String, _ declaration: NICFirmwareDeclaration, _ info: DevlinkInfo,
        on machine: any Machine
    ) throws(AgentFault) -> Port {
        let attempted = "ask the driver of \(name)"
        let firmware = try attempt(attempted) { () throws(SystemError) in
            do throws(SystemError) {
                return try machine.linkInfo(name).firmware.trimmingSpaces()
            } catch {
                if error.code == EOPNOTSUPP || error.code == ENODEV { return "" }
                throw error
            }
        }
        let address = try attempt("read where \(name) is") { () throws(SystemError) in
            try machine.linkTargetIfPresent("/sys/class/net/\(name)/device")
        }
        var port = Port(link: name, device: address.map { "pci/\(PathName.last(of: $0))" })
        // A driver that could not read the version reports "N/A".
        port.firmware = firmware.isEmpty || firmware == "N/A" ? nil : firmware
        if !declaration.components.isEmpty {
            if let device = port.device, let found = info.devices[device] {
                port.running = found.running
                port.stored = found.stored
            } else {
                port.silence = info.silence ?? "devlink does not list \(port.device ?? name)"
            }
        }
        return port
    }

    // MARK: Comparing

    package static func diff(
        _ declaration: NICFirmwareDeclaration, _ observation: Observation
    ) -> Difference {
        let attempted = "expect the firmware of \(declaration.name)"
        var wrong: [String] = []
        for port in observation.ports {
            if declaration.version != nil || declaration.minimum != nil
                || declaration.variant != nil
            {
                guard let version = port.version else {
                    return .unknown("the driver of \(port.link) does not report its firmware")
                }
                wrong += mismatches(declaration, port, version)
            }
            if let silence = port.silence { return .unknown(silence) }
            for (name, wanted) in declaration.components.sorted(by: { $0.key < $1.key }) {
                guard let found = port.running[name] ?? port.stored[name] else {
                    return .unknown("devlink reports no \(name) for \(port.device ?? port.link)")
                }
                if found != wanted {
                    wrong.append("\(port.link) runs \(name) \(found), not \(wanted)")
                }
            }
        }
        if wrong.isEmpty { return .asDeclared(reason(declaration, observation)) }
        guard declaration.image != nil else {
            return .blocked(
                AgentFault(
                    "firmware", attempted, cause: wrong.joined(separator: "; "),
                    hint:
                        "flash it with the vendor's tool, or declare source; if the card is right, "
                        + "correct the declaration"))
        }
        return flashing(declaration, observation, wrong)
    }

    private static func mismatches(
        _ declaration: NICFirmwareDeclaration, _ port: Port, _ version: String
    ) -> [String] {
        var wrong: [String] = []
        if let wanted = declaration.version, wanted != version {
            wrong.append("\(port.link) runs \(version), not \(wanted)")
        }
        if let least = declaration.minimum, NICFirmwareDeclaration.compare(version, least) < 0 {
            wrong.append("\(port.link) runs \(version), older than \(least)")
        }
        if let wanted = declaration.variant, wanted != port.variant {
            let found = port.variant.isEmpty ? "none" : port.variant
            wrong.append("the variant of \(port.link) is \(found), not \(wanted)")
        }
        return wrong
    }

    private static func flashing(
        _ declaration: NICFirmwareDeclaration, _ observation: Observation, _ wrong: [String]
    ) -> Difference {
        var stored: [Change] = []
        var running: [Change] = []
        let cost = declaration.activation.disruption
        for (name, wanted) in declaration.components.sorted(by: { $0.key < $1.key }) {
            for port in observation.ports {
                // Where devlink reports no stored version, the running one is compared.
                if let found = port.stored[name] ?? port.running[name], found != wanted {
                    let before = found == "0.0.0.0" ? Optional<JSON>.none : .string(found)
                    stored.append(
                        Change(
                            "stored.\(name)", layer: .onDisk, before: before,
                            after: .string(wanted),
                            disruption: cost))
                }
                if let found = port.running[name], found != wanted {
                    running.append(
                        Change(
                            name, layer: .running, before: .string(found), after: .string(wanted),
                            disruption: cost))
                }
            }
        }
        stored = unique(stored)
        running = unique(running)
        if stored.isEmpty, running.isEmpty || declaration.activation != .reset {
            if running.isEmpty {
                return .blocked(
                    AgentFault(
                        "firmware", "expect the firmware of \(declaration.name)",
                        cause: wrong.joined(separator: "; ")
                            + ", although the image is already stored and running",
                        hint: "correct version, minimum or variant: they do not fit the image"))
            }
            let way =
                declaration.activation == .powerCycle
                ? "power cycle" : declaration.activation.rawValue
            return .pending("stored, and runs after a \(way)", running)
        }
        if declaration.activation == .reset, !declaration.mayCutOff, let port = observation.ownPort
        {
            return .blocked(
                AgentFault(
                    "own-link", "flash the firmware of \(declaration.name)",
                    cause: "muster's own connection uses \(port), and a reset takes \(port) down",
                    hint: "connect through another link, or declare may_cut_off: true"))
        }
        return .changes(stored + running)
    }

    private static func unique(_ changes: [Change]) -> [Change] {
        var kept: [Change] = []
        for change in changes where !kept.contains(change) { kept.append(change) }
        return kept
    }

    private static func reason(
        _ declaration: NICFirmwareDeclaration, _ observation: Observation
    ) -> String {
        var said: [String] = []
        for port in observation.ports {
            if let firmware = port.firmware { said.append("\(port.link) runs \(firmware)") }
        }
        said += declaration.components.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return said.joined(separator: ", ")
    }

    // MARK: Changing

    package static func beforeImages(
        _ declaration: NICFirmwareDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        observation.ports.map { port in
            let stored = port.stored.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return .link(
                name: port.link, setting: "firmware",
                value: ([port.firmware ?? "not told"] + stored).joined(separator: " "))
        }
    }

    package static func apply(
        _ declaration: NICFirmwareDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        guard let image = declaration.image else { return }
        let machine = host.machine
        var done: Set<String> = []
        for port in observation.ports {
            guard let device = port.device, done.insert(device).inserted else { continue }
            let isStored = declaration.components.allSatisfy { name, wanted in
                port.stored[name] ?? port.running[name] == wanted
            }
            let runs = declaration.components.allSatisfy { name, wanted in
                port.running[name] ?? wanted == wanted
            }
            if !isStored { try flash(device, image, on: host) }
            if declaration.activation == .reset, !isStored || !runs {
                try run(["dev", "reload", device, "action", "fw_activate"], on: machine)
            }
        }
    }

    private static func flash(
        _ device: String, _ image: ResolvedContent, on host: Host
    ) throws(AgentFault) {
        let machine = host.machine
        let content = try host.content(image.digest)
        // The kernel loads the image by its path relative to /lib/firmware.
        let folder = "/lib/firmware/muster"
        let file = "\(image.digest).bin"
        try makeDirectory(folder, on: machine)
        try NewFile(
            path: "\(folder)/\(file)", content: content, mode: 0o644, uid: 0, gid: 0
        ).put(on: machine)
        // If the copy cannot be removed, it does no harm.
        defer { try? machine.remove("\(folder)/\(file)") }
        try run(["dev", "flash", device, "file", "muster/\(file)"], on: machine)
    }

    private static func run(_ arguments: [String], on machine: any Machine) throws(AgentFault) {
        let attempted = "devlink \(arguments.prefix(3).joined(separator: " "))"
        let result = try attempt(attempted) { () throws(SystemError) in
            try machine.run(ProgramCall(devlink, arguments, timeoutSeconds: 1800))
        }
        guard result.succeeded else {
            throw AgentFault(
                "flash-failed", attempted,
                cause: "devlink \(result.endText): \(ProgramText.excerpt(of: result))",
                hint:
                    "the card keeps its old firmware until a complete image is stored; see dmesg"
            )
        }
    }
}

/// What devlink reports about all cards: `devlink -j dev info` (devlink-dev(8)).
struct DevlinkInfo {
    struct Device {
        var running: [String: String]
        var stored: [String: String]
    }

    /// By name: `pci/0000:41:00.0`.
    var devices: [String: Device] = [:]
    /// Why devlink reports nothing; nil where it was asked and answered.
    var silence: String?

    init() {}

    init(on machine: any Machine) throws(AgentFault) {
        let result: ProgramResult
        do throws(SystemError) {
            result = try machine.run(
                ProgramCall(NICFirmwareBehaviour.devlink, ["-j", "dev", "info"]))
        } catch {
            guard error.isNotFound else { throw AgentFault("ask devlink about the cards", error) }
            silence = "there is no \(NICFirmwareBehaviour.devlink) on the host"
            return
        }
        guard result.succeeded, let json = try? JSON(parsing: result.output) else {
            silence = "devlink \(result.endText): \(ProgramText.excerpt(of: result))"
            return
        }
        for (name, device) in json["info"]?.object ?? [:] {
            let versions = device["versions"]
            devices[name] = Device(
                running: Self.texts(versions?["running"]), stored: Self.texts(versions?["stored"]))
        }
    }

    private static func texts(_ json: JSON?) -> [String: String] {
        (json?.object ?? [:]).compactMapValues(\.string)
    }
}
