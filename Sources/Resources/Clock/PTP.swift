import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `ptp`: its units, handled as by `service`, and the state of their processes.
package enum PTPBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        /// A unit, with its declared and its observed state.
        struct Part: Sendable {
            let isOwn: Bool
            let declaration: ServiceDeclaration
            let found: ServiceBehaviour.Observation
            /// The running version and the one on disk, if they differ.
            var skew: (running: String, onDisk: String)?
            /// The path of its program, if that is no longer on disk.
            var lostProgram: String?
        }

        var parts: [Part]
        /// Whether services may set the clock; usually false in a container.
        var isSettable = true
        /// Clock daemons that none of the known units has started.
        var strangers: [String] = []
        var versionOnDisk: String?
        /// A configuration file that was written after the unit's daemon was started.
        var unread: (path: String, unit: String)?
        /// The clock's offset; nil if no maximum is declared, or if the units do not run.
        var offset: ClockOffset?
    }

    package static func observe(
        _ declarations: [PTPDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        observeEach(declarations) { (declaration) throws(AgentFault) in
            try observe(declaration, on: host)
        }
    }

    private static func observe(
        _ declaration: PTPDeclaration, on host: Host
    ) throws(AgentFault) -> Observation {
        let machine = host.machine
        let units = try ClockUnits(declaration, on: machine)
        // Rivals are stopped first: two daemons must not steer the same clock.
        let services =
            try units.rivals.map { (unit) throws(AgentFault) in try service(unit, runs: false) }
            + units.own.map { (unit) throws(AgentFault) in try service(unit, runs: true) }
        let found = ServiceBehaviour.observe(services, on: host)
        var parts: [Observation.Part] = []
        for (index, service) in services.enumerated() {
            parts.append(
                Observation.Part(
                    isOwn: index >= units.rivals.count, declaration: service,
                    found: try found[index].get()))
        }
        var observation = Observation(
            parts: parts, isSettable: try ClockProcesses.mayBeSet(on: machine))
        if !observation.isSettable { return observation }
        observation.strangers = try ClockProcesses.strangers(to: units.known, on: machine)
        if declaration.version != nil || declaration.discipline == .sfptpd {
            observation.versionOnDisk = try ClockProgram.version(
                of: declaration.discipline, on: machine)
        }
        for index in observation.parts.indices where observation.parts[index].isRunning {
            try lookAtProgram(
                of: &observation.parts[index], declaration.discipline, observation.versionOnDisk,
                on: machine)
        }
        observation.unread = try unread(declaration, observation.parts, on: host)
        let own = observation.parts.filter(\.isOwn)
        if declaration.offset != nil, own.allSatisfy(\.isRunning) {
            observation.offset = try ClockOffset.read(declaration, units: units.own, on: host)
        }
        return observation
    }

    private static func service(_ unit: String, runs: Bool) throws(AgentFault) -> ServiceDeclaration
    {
        do throws(AttributeFault) {
            return try ServiceDeclaration(
                name: unit,
                attributes: [
                    "state": runs ? "started" : "stopped", "enabled": .bool(runs),
                ])
        } catch {
            throw AgentFault("bad-unit", "look at \(unit)", cause: error.message)
        }
    }

    private static func lookAtProgram(
        of part: inout Observation.Part, _ discipline: PTPDeclaration.Discipline,
        _ onDisk: String?, on machine: any Machine
    ) throws(AgentFault) {
        guard let pid = part.found.status.mainPID,
            let program = try ClockProcesses.program(of: pid, on: machine)
        else { return }
        let isThere = try attempt("look at \(program.path)") { () throws(SystemError) in
            try machine.statusIfPresent(program.path, followLinks: true) != nil
        }
        if program.isReplaced, !isThere {
            part.lostProgram = program.path
        } else if program.isReplaced {
            part.skew = ("an earlier \(program.path)", onDisk ?? "the one on disk")
        } else if discipline == .sfptpd, let onDisk,
            let running = try SfptpdState.runningVersion(on: machine), running != onDisk
        {
            part.skew = (running, onDisk)
        }
    }

    /// A configuration file that is newer than the start of its daemon.
    ///
    /// Nil if the file was written less than five minutes ago: a handler of this run may restart
    /// the daemon.
    private static func unread(
        _ declaration: PTPDeclaration, _ parts: [Observation.Part], on host: Host
    ) throws(AgentFault) -> (path: String, unit: String)? {
        for path in declaration.configurations {
            let status = try attempt("look at \(path)") { () throws(SystemError) in
                try host.machine.statusIfPresent(path, followLinks: true)
            }
            guard let status else { continue }
            let written = Double(status.modifiedNanoseconds) / 1e9
            if host.now() - written < 300 { return nil }
            for part in parts where part.isRunning {
                guard let pid = part.found.status.mainPID,
                    let started = try ClockProcesses.started(pid, on: host.machine)
                else { continue }
                // The kernel's boot time (btime) is in whole seconds.
                if started + 2 < written { return (path, part.unit) }
            }
            return nil
        }
        return nil
    }

    // MARK: Comparing

    package static func diff(
        _ declaration: PTPDeclaration, _ observation: Observation
    ) -> Difference {
        guard observation.isSettable else {
            return .notApplicable("services cannot set the clock here: a container has its host's")
        }
        var changes: [Change] = []
        var notApplicable: String?
        for part in observation.parts {
            switch ServiceBehaviour.diff(part.declaration, part.found) {
            case .blocked(let fault): return .blocked(fault)
            case .notApplicable(let reason):
                if part.isOwn { notApplicable = "\(part.unit): \(reason)" }
            case .changes(let found): changes += found.map(part.named)
            default: break
            }
            if let skew = part.skew { changes.append(restart(part, skew)) }
        }
        if !changes.isEmpty { return .changes(changes) }
        if let notApplicable { return .notApplicable(notApplicable) }
        let own = observation.parts.filter(\.isOwn).map(\.stem)
        var said = [own.joined(separator: " and ") + " alone"]
        if let version = declaration.version, version == observation.versionOnDisk {
            said.append(version)
        }
        if case .nanoseconds(let offset)? = observation.offset {
            said.append(
                "\(ClockOffset.text(offset)) off, "
                    + "at most \(ClockOffset.text(declaration.offset ?? 0))")
        }
        return .asDeclared(said.joined(separator: ", "))
    }

    private static func restart(
        _ part: Observation.Part, _ skew: (running: String, onDisk: String)
    ) -> Change {
        Change(
            "\(part.stem).program", layer: .running, before: .string(skew.running),
            after: .string(skew.onDisk), disruption: .serviceRestart)
    }

    package static func findings(
        _ declaration: PTPDeclaration, _ observation: Observation
    ) -> [HostFinding] {
        var found: [HostFinding] = []
        if !observation.strangers.isEmpty {
            found.append(
                HostFinding(
                    "rival-process", .critical,
                    "processes that steer the same clock, started by none of the known units: "
                        + observation.strangers.joined(separator: ", ")))
        }
        for part in observation.parts {
            guard let program = part.lostProgram else { continue }
            found.append(
                HostFinding(
                    "lost-program", .critical,
                    "\(part.unit) runs \(program), which is no longer on disk: a restart would fail"
                ))
        }
        if let version = declaration.version, version != observation.versionOnDisk {
            found.append(
                HostFinding(
                    "other-version",
                    "\(declaration.discipline.rawValue) on disk is "
                        + "\(observation.versionOnDisk ?? "of unknown version"), not \(version): "
                        + "declare the package with that version"
                ))
        }
        if let unread = observation.unread {
            found.append(
                HostFinding(
                    "unread-configuration",
                    "\(unread.path) was written after \(unread.unit) was started: "
                        + "restart the unit to apply it"))
        }
        guard let bound = declaration.offset, let offset = observation.offset else { return found }
        switch offset {
        case .nanoseconds(let off) where off > bound:
            found.append(
                HostFinding(
                    "clock-offset", .critical,
                    "the system clock is \(ClockOffset.text(off)) off, more than the declared "
                        + "\(ClockOffset.text(bound))"))
        case .nanoseconds: break
        case .unknown(let reason):
            found.append(
                HostFinding(
                    "clock-offset-unknown", .critical,
                    "the offset of the system clock is not known: \(reason)"))
        }
        return found
    }

    // MARK: Changing

    package static func beforeImages(
        _ declaration: PTPDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images: [BeforeImage] = []
        for part in observation.parts where part.differs {
            images += try ServiceBehaviour.beforeImages(part.declaration, part.found, on: host)
        }
        return images
    }

    package static func apply(
        _ declaration: PTPDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        for part in observation.parts {
            if case .changes(let own) = ServiceBehaviour.diff(part.declaration, part.found) {
                let wanted = own.filter { change in
                    changes.contains { $0.attribute == part.named(change).attribute }
                }
                if !wanted.isEmpty {
                    try ServiceBehaviour.apply(
                        part.declaration, part.found, changes: wanted, on: host)
                }
            }
            if part.skew != nil {
                try Systemctl.run(
                    ["restart", "--", part.unit], attempted: "restart \(part.unit)",
                    unit: part.unit, on: host.machine)
                host.settle()
            }
        }
    }
}

extension PTPBehaviour.Observation.Part {
    var unit: String { declaration.unit }
    /// The name in changes: `chrony`, `ptp4l@ens1f0`.
    var stem: String {
        unit.hasSuffix(".service") ? String(unit.dropLast(".service".count)) : unit
    }
    var isRunning: Bool { isOwn && found.status.isRunning }
    var differs: Bool {
        if case .changes = ServiceBehaviour.diff(declaration, found) { return true }
        return skew != nil
    }

    func named(_ change: Change) -> Change {
        var change = change
        change.attribute = "\(stem).\(change.attribute)"
        return change
    }
}
