import FleetModel
import Kinds
import Linux

/// Changes packages in as few transactions of apt or dnf as their declarations allow.
///
/// Holds are lifted first and set last. Between them, packages are changed in plan order as far as
/// order matters: installations with the same options are one transaction, and so are removals, but
/// no installation is moved past a removal. If a transaction fails, its packages are tried one by
/// one, so that each has its own result.
struct PackageTransaction {
    typealias Due = DueChange<PackageBehaviour>

    /// What is done with a package, and with what options.
    private enum Step: Hashable {
        case install([String])
        /// By the verb of apt, or with the options of dnf.
        case remove(verb: String, [String])
        /// From a file of the role.
        case installFile(String)

        /// Steps of the same sort may be reordered.
        var sort: Int {
            switch self {
            case .install: 0
            case .remove: 1
            case .installFile: 2
            }
        }
    }

    private let due: [Due]
    private let host: Host
    private let manager: PackageManager
    private var faults: [AgentFault?]

    /// Makes the changes; returns one fault for each, in the same order, nil where it succeeded.
    static func make(_ due: [Due], on host: Host) -> [AgentFault?] {
        guard let first = due.first else { return [] }
        var change = PackageTransaction(due, first.observation.manager, on: host)
        change.run()
        return change.faults
    }

    private init(_ due: [Due], _ manager: PackageManager, on host: Host) {
        self.due = due
        self.host = host
        self.manager = manager
        faults = Array(repeating: nil, count: due.count)
    }

    private mutating func run() {
        hold(false, due.indices.filter { changes($0, "hold") && due[$0].declaration.hold == false })
        for (step, members) in steps() { carryOut(step, members.filter { faults[$0] == nil }) }
        // A change of version removes a hold, so an existing one must be set again.
        hold(
            true,
            due.indices.filter { index in
                due[index].declaration.hold == true && faults[index] == nil
                    && (changes(index, "hold") || step(of: index) != nil)
            })
    }

    private func changes(_ index: Int, _ attribute: String) -> Bool {
        due[index].changes.contains { $0.attribute == attribute }
    }

    // MARK: What is done in one go

    /// The step of one change; nil where nothing but the hold changes.
    private func step(of index: Int) -> Step? {
        let (declaration, observation) = (due[index].declaration, due[index].observation)
        guard changes(index, "state") || changes(index, "version") else { return nil }
        if declaration.state != .present {
            return switch manager {
            case .apt: .remove(verb: PackageChange.verb(declaration), [])
            case .dnf: .remove(verb: "remove", DnfChange.removalOptions(observation))
            }
        }
        if declaration.archive != nil { return .installFile(declaration.name) }
        return switch manager {
        case .apt: .install(PackageChange.options(declaration, observation))
        case .dnf: .install(DnfChange.options(declaration, observation))
        }
    }

    /// The steps in order, each with the indices of its changes.
    private func steps() -> [(Step, [Int])] {
        var steps: [(Step, [Int])] = []
        for index in due.indices {
            guard let step = step(of: index) else { continue }
            // Looks back only as far as the steps are of the same sort.
            let start = steps.lastIndex { $0.0.sort != step.sort }
            let same = steps[((start ?? -1) + 1)...].firstIndex { $0.0 == step }
            if let same {
                steps[same].1.append(index)
            } else {
                steps.append((step, [index]))
            }
        }
        return steps
    }

    // MARK: Doing it

    private mutating func carryOut(_ step: Step, _ members: [Int]) {
        guard members.count > 1 else {
            for index in members {
                faults[index] = Self.fault { () throws(AgentFault) in try alone(due[index]) }
            }
            return
        }
        let fault = Self.fault { () throws(AgentFault) in
            switch step {
            case .install(let options): try install(members, options)
            case .remove(let verb, let options):
                let names = members.map { due[$0].declaration.name }
                let attempted = "remove \(members.count) packages"
                switch manager {
                case .apt:
                    try PackageChange.remove(names, verb, attempted: attempted, on: host)
                case .dnf: try DnfChange.remove(names, options, attempted: attempted, on: host)
                }
            case .installFile: break
            }
        }
        guard let fault else { return }
        let left = members.filter { faults[$0] == nil }
        if fault.isOfTheHost {
            for index in left { faults[index] = fault }
        } else {
            for index in left {
                faults[index] = Self.fault { () throws(AgentFault) in try again(due[index]) }
            }
        }
    }

    /// Installs those that a repository offers; the others get a fault.
    private mutating func install(_ members: [Int], _ options: [String]) throws(AgentFault) {
        let attempted = "install \(members.count) packages"
        guard manager == .apt else {
            return try DnfChange.install(
                members.map { due[$0].declaration }, options, attempted: attempted, on: host)
        }
        let lacking = try PackageChange.lacking(
            members.map { (due[$0].declaration, due[$0].observation) }, on: host)
        for (index, fault) in zip(members, lacking) { faults[index] = fault }
        let left = members.filter { faults[$0] == nil }
        if left.isEmpty { return }
        try PackageChange.install(
            left.map { due[$0].declaration }, options, attempted: attempted, on: host)
    }

    /// One package by itself.
    private func alone(_ one: Due) throws(AgentFault) {
        let (declaration, observation) = (one.declaration, one.observation)
        switch (manager, declaration.state) {
        case (.apt, .present): try PackageChange.install(declaration, observation, on: host)
        case (.apt, _): try PackageChange.remove(declaration, on: host)
        case (.dnf, .present): try DnfChange.install(declaration, observation, on: host)
        case (.dnf, _): try DnfChange.remove(declaration, observation, on: host)
        }
    }

    /// One package by itself, after a failed transaction of several: it is observed again first.
    private func again(_ one: Due) throws(AgentFault) {
        let observation = try PackageBehaviour.observe([one.declaration], on: host)[0].get()
        switch PackageBehaviour.diff(one.declaration, observation) {
        case .changes(let changes):
            guard changes.contains(where: { ["state", "version"].contains($0.attribute) }) else {
                return
            }
            try alone(Due(one.declaration, observation, changes: changes))
        case .blocked(let fault): throw fault
        case .asDeclared, .pending, .notApplicable, .unknown: return
        }
    }

    // MARK: Holds

    private mutating func hold(_ isHeld: Bool, _ members: [Int]) {
        if members.isEmpty { return }
        let names = members.map { due[$0].declaration.name }
        let fault = Self.fault { () throws(AgentFault) in try hold(isHeld, names) }
        guard let fault else { return }
        for (index, name) in zip(members, names) {
            faults[index] =
                names.count == 1 || fault.isOfTheHost
                ? fault : Self.fault { () throws(AgentFault) in try hold(isHeld, [name]) }
        }
    }

    private func hold(_ isHeld: Bool, _ names: [String]) throws(AgentFault) {
        if manager == .dnf { return try DnfChange.hold(isHeld, names, on: host) }
        let verb = isHeld ? "hold" : "unhold"
        let what = names.count == 1 ? "package \(names[0])" : "\(names.count) packages"
        try Apt.run(
            Apt.mark, ["-q", verb, "--"] + names, attempted: "\(verb) \(what)", on: host.machine)
    }

    private static func fault(_ body: () throws(AgentFault) -> Void) -> AgentFault? {
        do throws(AgentFault) {
            try body()
            return nil
        } catch {
            return error
        }
    }
}

extension AgentFault {
    /// Whether the fault is one of the host, so that other packages would fail the same way.
    fileprivate var isOfTheHost: Bool {
        ["locked", "no-apt", "no-dnf", "dpkg-interrupted"].contains(code)
    }
}
