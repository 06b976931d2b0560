import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `network`.
package enum NetworkBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        /// What configures the interface; nil where neither networkd nor ifupdown does.
        var manager: NetworkDeclaration.Manager?
        var files: [NetworkFile] = []
        /// Why the files would have no effect.
        var obstacle: AgentFault?
        var link: NetworkLink?
        var routes: [NetworkRoute] = []
        /// Interfaces whose master is this one.
        var members: [String] = []
        /// Bond members and VLAN parents that are declared and do not exist.
        var missing: [String] = []
        /// Muster's own connections that use the interface or a declared bond member.
        var ends: [OwnEnd] = []
    }

    package static func observe(
        _ declarations: [NetworkDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let machine = host.machine
        let state: NetworkState
        let ends: [OwnEnd]
        do throws(AgentFault) {
            state = try NetworkState(on: machine)
            ends = try OwnConnection(machine: machine).ends()
        } catch {
            return declarations.map { _ in .failure(error) }
        }
        return observeEach(declarations) { (declaration) throws(AgentFault) in
            try observation(of: declaration, state, ends, on: machine)
        }
    }

    static func observation(
        of declaration: NetworkDeclaration, _ state: NetworkState, _ ends: [OwnEnd],
        on machine: any Machine
    ) throws(AgentFault) -> Observation {
        let name = declaration.name
        var found = Observation()
        found.link = state.links[name]
        found.routes = state.routes[name] ?? []
        found.members = state.members(of: name)
        let members = declaration.bond?.members ?? []
        found.missing = (members + (declaration.vlan.map { [$0.parent] } ?? [])).filter {
            state.links[$0] == nil
        }
        found.ends = ends.filter { $0.link == name || members.contains($0.link) }
        let survey = NetworkSurvey(declaration: declaration, machine: machine)
        found.manager = try survey.manager()
        guard let manager = found.manager else { return found }
        (found.files, found.obstacle) = try survey.files(of: manager)
        return found
    }

    // MARK: Comparing

    package static func diff(
        _ declaration: NetworkDeclaration, _ observation: Observation
    ) -> Difference {
        let attempted = "set up the interface \(declaration.name)"
        guard observation.manager != nil else {
            return .blocked(
                AgentFault(
                    "no-manager", attempted,
                    cause: "systemd-networkd does not run here, and ifupdown is not installed",
                    hint:
                        "enable one of them; muster does not manage NetworkManager connections"
                ))
        }
        let changes =
            declaration.isPresent
            ? running(declaration, observation) + persisted(observation)
            : removal(declaration, observation)
        if changes.isEmpty { return .asDeclared(reason(declaration, observation)) }
        if let obstacle = observation.obstacle { return .blocked(obstacle) }
        if declaration.isPresent, let missing = observation.missing.first {
            return .blocked(
                AgentFault(
                    "no-link", attempted, cause: "there is no interface \(missing)",
                    hint: "correct the name, or declare it before this one"))
        }
        if declaration.isPresent, observation.link == nil, declaration.vlan == nil,
            declaration.bond == nil
        {
            return .blocked(
                AgentFault(
                    "no-link", attempted, cause: "there is no interface \(declaration.name)",
                    hint: "correct the name; a VLAN needs vlan, a bond needs bond"))
        }
        let wanted = declaration.vlan != nil ? "vlan" : declaration.bond != nil ? "bond" : nil
        if declaration.isPresent, let wanted, let link = observation.link, link.kind != wanted {
            return .blocked(
                AgentFault(
                    "another-kind", attempted,
                    cause: "\(declaration.name) exists and is "
                        + (link.kind.isEmpty ? "a card" : "of the kind \(link.kind)")
                        + ", not a \(wanted)",
                    hint: "give it another name"))
        }
        if !declaration.mayCutOff, let fault = NetworkReach.cutOff(declaration, observation) {
            return .blocked(fault)
        }
        return .changes(changes)
    }

    private static func persisted(_ observation: Observation) -> [Change] {
        observation.files.filter { $0.now != $0.wanted }.map { file in
            Change(
                "file", layer: .persisted,
                before: file.now == nil ? nil : file.wanted == nil ? "present" : "other",
                after: file.wanted == nil ? "absent" : "as declared", source: file.path)
        }
    }

    private static func running(
        _ declaration: NetworkDeclaration, _ observation: Observation
    ) -> [Change] {
        guard let link = observation.link else {
            let what =
                declaration.vlan != nil ? "vlan" : declaration.bond != nil ? "bond" : "present"
            var changes = [
                Change("state", layer: .running, before: "absent", after: .string(what))
            ]
            let blip = declaration.bond != nil ? Disruption.linkFlap : .none
            changes += listed(
                "members", [], declaration.bond?.members.sorted() ?? [], disruption: blip)
            changes += listed("addresses", [], declaration.addresses.map(\.text), disruption: .none)
            return changes + listed("routes", [], declaration.routes.map(\.text), disruption: .none)
        }
        var changes = made(declaration, link, observation.members)
        if !link.isUp {
            changes.append(Change("link", layer: .running, before: "down", after: "up"))
        }
        if let mtu = declaration.mtu, mtu != link.mtu {
            changes.append(
                Change(
                    "mtu", layer: .running, before: .integer(link.mtu), after: .integer(mtu),
                    disruption: .trafficBlip))
        }
        guard declaration.dhcp == "no" else { return changes }
        let wanted = declaration.addresses.map(\.text)
        let found = link.addresses.map(\.text)
        changes += listed(
            "addresses", found, wanted,
            disruption: Set(found).isSubset(of: wanted) ? .none : .trafficBlip)
        let routes = declaration.routes.map(\.text)
        let now = shown(observation.routes, declaration.routes)
        return changes
            + listed(
                "routes", now, routes,
                disruption: Set(now).isSubset(of: routes) ? .none : .trafficBlip)
    }

    /// Texts of the running routes; the source is left out where a declared route leaves it out.
    private static func shown(_ found: [NetworkRoute], _ wanted: [NetworkRoute]) -> [String] {
        found.map { route in
            let plain = NetworkRoute(
                destination: route.destination, via: route.via, metric: route.effectiveMetric)
            return wanted.contains { $0.text == plain.text } ? plain.text : route.text
        }
    }

    /// Changes of the options that the VLAN or bond was created with, and of its members.
    private static func made(
        _ declaration: NetworkDeclaration, _ link: NetworkLink, _ members: [String]
    ) -> [Change] {
        var changes: [Change] = []
        func compare(_ attribute: String, _ before: JSON?, _ after: JSON?, _ cost: Disruption) {
            if let after, before != after {
                changes.append(
                    Change(
                        attribute, layer: .running, before: before, after: after, disruption: cost))
            }
        }
        if let vlan = declaration.vlan {
            compare("vlan.id", link.vlanID.map { .integer($0) }, .integer(vlan.id), .linkFlap)
            compare("vlan.parent", .optional(link.parent), .string(vlan.parent), .linkFlap)
        }
        if let bond = declaration.bond {
            compare("bond.mode", .optional(link.bondMode), .string(bond.mode), .linkFlap)
            compare("bond.miimon", link.miimon.map { .integer($0) }, .integer(bond.miimon), .none)
            compare(
                "bond.primary", .optional(link.primary), bond.primary.map { .string($0) }, .none)
            compare(
                "bond.lacp_rate", .optional(link.lacpRate), bond.lacpRate.map { .string($0) },
                .linkFlap)
            compare(
                "bond.xmit_hash_policy", .optional(link.hashPolicy),
                bond.hashPolicy.map { .string($0) }, .none)
            changes += listed("members", members, bond.members.sorted(), disruption: .linkFlap)
        }
        return changes
    }

    private static func listed(
        _ attribute: String, _ before: [String], _ after: [String], disruption: Disruption
    ) -> [Change] {
        if Set(before) == Set(after) { return [] }
        return [
            Change(
                attribute, layer: .running, before: before.isEmpty ? nil : .strings(before),
                after: after.isEmpty ? nil : .strings(after), disruption: disruption)
        ]
    }

    private static func removal(
        _ declaration: NetworkDeclaration, _ observation: Observation
    ) -> [Change] {
        var changes = persisted(observation)
        if let link = observation.link, ["vlan", "bond"].contains(link.kind),
            !changes.isEmpty || declaration.vlan != nil || declaration.bond != nil
        {
            changes.append(
                Change(
                    "state", layer: .running, before: .string(link.kind), after: "absent",
                    disruption: .linkFlap))
        }
        return changes
    }

    private static func reason(
        _ declaration: NetworkDeclaration, _ observation: Observation
    ) -> String {
        if !declaration.isPresent { return "muster keeps no file for it" }
        var parts: [String] = []
        if let bond = declaration.bond {
            parts.append("bond \(bond.mode) of \(bond.members.joined(separator: ", "))")
        }
        if let vlan = declaration.vlan { parts.append("VLAN \(vlan.id) on \(vlan.parent)") }
        parts += declaration.addresses.map(\.text)
        if declaration.dhcp != "no" { parts.append("addresses by DHCP") }
        if !declaration.routes.isEmpty {
            let count = declaration.routes.count
            parts.append("\(count) route\(count == 1 ? "" : "s")")
        }
        let carrier = observation.link?.hasCarrier == false ? ", without carrier" : ""
        return (parts.isEmpty ? ["up, without addresses"] : parts).joined(separator: ", ")
            + "; kept by \(observation.manager?.rawValue ?? "nobody")" + carrier
    }

    // MARK: Changing

    package static func beforeImages(
        _ declaration: NetworkDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        var images: [BeforeImage] = []
        for file in observation.files where file.now != file.wanted {
            let above = try missingFolders(above: file.path, on: host.machine)
            images += above.map { .nothing(path: $0) }.filter { !images.contains($0) }
            let found = try PathObservation(file.path, accounts: Accounts(), on: host.machine)
            images.append(try found.fullImage(file.path, on: host))
        }
        let state = try NetworkState(on: host.machine)
        let interfaces = interfaces(declaration, observation).map { name in
            BeforeImage.link(
                name: name, setting: "network",
                value: NetworkSnapshot.json(name, state).canonicalText)
        }
        return interfaces + images
    }

    package static func apply(
        _ declaration: NetworkDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        let isMadeAnew = changes.contains {
            $0.layer == .running
                && ($0.attribute.hasPrefix("vlan.") || $0.attribute.hasPrefix("bond."))
        }
        switch observation.manager {
        case .networkd?:
            try NetworkdChange(declaration: declaration, found: observation, host: host)
                .make(isMadeAnew: isMadeAnew)
        case .ifupdown?:
            try IfupdownChange(declaration: declaration, found: observation, host: host)
                .make(isMadeAnew: isMadeAnew)
        case nil: break
        }
    }

    /// Notes how the interfaces run; they are put back last, after the files.
    static func note(
        _ declaration: NetworkDeclaration, _ found: Observation, _ undo: inout Undo, on host: Host
    ) throws(AgentFault) {
        let names = interfaces(declaration, found)
        for step in try Restoration.networks(names, pause: host.settle, on: host.machine) {
            undo.add(step)
        }
    }

    /// Writes the files that are wanted and removes the others.
    static func keep(
        _ files: [NetworkFile], _ undo: inout Undo, on machine: any Machine
    ) throws(AgentFault) {
        for file in files where file.now != file.wanted {
            for folder in try missingFolders(above: file.path, on: machine) {
                undo.add(try .path(folder, on: machine))
            }
            undo.add(try .path(file.path, on: machine))
            try NewFile.keep(file.path, file.wanted, on: machine)
        }
    }

    /// The interface, preceded by its current and its declared members.
    static func interfaces(
        _ declaration: NetworkDeclaration, _ found: Observation
    ) -> [String] {
        let members = Set(found.members + (declaration.bond?.members ?? []))
        return members.sorted() + [declaration.name]
    }

    /// The missing directories above a file, outermost first.
    private static func missingFolders(
        above path: String, on machine: any Machine
    ) throws(AgentFault) -> [String] {
        var missing: [String] = []
        var folder = PathName.parent(of: path)
        while folder != "/" {
            let isThere = try attempt("look for \(folder)") { () throws(SystemError) in
                try machine.statusIfPresent(folder) != nil
            }
            if isThere { break }
            missing.insert(folder, at: 0)
            folder = PathName.parent(of: folder)
        }
        return missing
    }
}
