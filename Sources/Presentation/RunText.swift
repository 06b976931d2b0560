import FleetModel
import Views
import Wire

/// A run as text: hosts with the same outcome are grouped, and the smallest group comes first.
package struct RunText {
    private let style: Style
    private let changes: ChangeText
    private let showsEverything: Bool

    /// - Parameters:
    ///   - showsEverything: also resources that are as declared, each with its reason (`-v`).
    ///   - showsContent: also the lines of file content that differ (`--diff`).
    package init(style: Style = .plain, showsEverything: Bool = false, showsContent: Bool = false) {
        self.style = style
        self.showsEverything = showsEverything
        changes = ChangeText(style: style, showsContent: showsContent)
    }

    /// The whole text, from the JSON form of the run.
    package func render(_ json: JSON) throws(JSONError) -> String {
        render(try RunView(json: json))
    }

    /// The whole text.
    package func render(_ run: RunView) -> String {
        var lines = [head(of: run)]
        for group in groups(of: run) { lines += text(of: group) }
        lines += run.notices.map { "note: \($0)" }
        lines += [footer(of: run)]
        return lines.joined(separator: "\n") + "\n"
    }

    private func head(of run: RunView) -> String {
        let verb = run.verb.prefix(1).uppercased() + run.verb.dropFirst()
        let compiled = Quantity.duration(microseconds: run.compileMicroseconds)
        let ran = Quantity.duration(microseconds: run.runMicroseconds)
        let did = run.verb == "apply" ? "applied" : "read"
        let count = Quantity.count(run.hosts.count, "host")
        return style("\(verb) \(run.id)   \(count)", .strong)
            + "   compiled in \(compiled), \(did) in \(ran)"
    }

    private struct Group {
        var hosts: [HostView]
    }

    /// Groups of hosts whose text is the same, small groups (outliers) first.
    private func groups(of run: RunView) -> [Group] {
        var groups: [[UInt8]: Group] = [:]
        var order: [[UInt8]] = []
        for host in run.hosts {
            let key = key(of: host)
            if groups[key] == nil { order.append(key) }
            groups[key, default: Group(hosts: [])].hosts.append(host)
        }
        let sorted = order.compactMap { groups[$0] }
        return sorted.enumerated().sorted {
            (rank($0.element), $0.element.hosts.count, $0.offset)
                < (rank($1.element), $1.element.hosts.count, $1.offset)
        }.map(\.element)
    }

    /// Hosts that are as declared come last, whatever their number.
    private func rank(_ group: Group) -> Int { group.hosts.first?.outcome == .asDeclared ? 1 : 0 }

    private func key(of host: HostView) -> [UInt8] {
        JSON.compact([
            "outcome": .string(host.outcome.rawValue),
            "resources": .array(visible(host).map { key(of: $0) }),
            "handlers": .array(host.handlers.map(\.json)),
            "fault": host.fault.map { FaultFolding.key(of: $0, on: host.host) },
            "orphans": .strings(host.end?.orphans ?? []),
            "stopped": .optional(host.end?.stopped),
            "notices": .strings(host.notices + (host.end?.notices ?? [])),
        ]).canonicalBytes
    }

    /// The key of a resource, without content digests unless content is shown.
    ///
    /// The digest of a file that is rendered for each host differs from host to host, but without
    /// its content the change looks the same.
    private func key(of resource: ResourceView) -> JSON {
        guard !changes.showsContent else { return resource.json }
        var resource = resource
        for index in resource.changes.indices where resource.changes[index].attribute == "content" {
            resource.changes[index].before = Self.withoutDigest(resource.changes[index].before)
            resource.changes[index].after = Self.withoutDigest(resource.changes[index].after)
        }
        return resource.json
    }

    private static func withoutDigest(_ value: JSON?) -> JSON? {
        value?["sha256"] == nil ? value.map { _ in "found" } : "content"
    }

    private func visible(_ host: HostView) -> [ResourceView] {
        showsEverything
            ? host.resources
            : host.resources.filter {
                ![.asDeclared, .notApplicable].contains($0.outcome) || !$0.findings.isEmpty
            }
    }

    private func text(of group: Group) -> [String] {
        guard let host = group.hosts.first else { return [] }
        let names = HostNameFolding.fold(group.hosts.map(\.host))
        let count = Quantity.count(group.hosts.count, "host")
        var lines = ["  \(style(count, .strong))    \(names)  \(words(for: host))"]
        if let fault = host.fault {
            lines.append("    \(style("!", .bad)) \(fault.text)")
            if let hint = fault.hint { lines.append("      hint: \(hint)") }
        }
        for resource in visible(host) { lines += changes.lines(of: resource, indent: "    ") }
        for handler in host.handlers { lines += changes.line(of: handler, indent: "    ") }
        if let stopped = host.end?.stopped { lines.append("    stopped: \(stopped)") }
        for orphan in host.end?.orphans ?? [] {
            lines.append(
                "    orphaned: \(orphan)   applied earlier, no longer declared; left as it is")
        }
        for notice in host.notices + (host.end?.notices ?? []) {
            lines.append("    note: \(notice)")
        }
        return lines
    }

    private func words(for host: HostView) -> String {
        let same = host.resources.count { $0.outcome == .asDeclared }
        let absent = host.resources.count { $0.outcome == .notApplicable }
        var details: [String] = []
        if same > 0 { details.append("\(same) as declared") }
        if absent > 0 { details.append("\(absent) not applicable") }
        let detail = details.isEmpty ? "" : "   (\(details.joined(separator: ", ")))"
        switch host.outcome {
        case .asDeclared: return style("as declared", .good) + detail
        case .differs: return style("differs", .change) + detail
        case .changed: return style("changed", .change) + detail
        case .failed: return style("failed", .bad) + detail
        case .notCompiled: return style("not compiled", .bad)
        case .unreachable: return style("unreachable", .bad)
        case .refused: return style("refused", .bad)
        case .notStarted: return "not started"
        case .stopped: return style("stopped", .change) + detail
        case .unknown: return style("not known", .bad) + detail
        }
    }

    /// `Disruption: 3 link_flap. No reboot.` after the counts of hosts.
    private func footer(of run: RunView) -> String {
        let counts = HostOutcome.allCases.compactMap { outcome in
            run.counts[outcome].map {
                "\($0) \(outcome.rawValue.split(separator: "_").joined(separator: " "))"
            }
        }
        let hosts = "Hosts: \(counts.isEmpty ? "none" : counts.joined(separator: ", "))."
        let costs = Disruption.allCases.filter { $0 != .none }.compactMap { disruption in
            run.disruptions[disruption].map { "\($0) \(disruption.rawValue)" }
        }
        // A host that did not come back from its reboot has a fault that says so.
        let waiting = run.hosts.count {
            $0.fault == nil && $0.resources.contains(where: \.waitsForReboot)
        }
        var pending =
            waiting == 0
            ? ""
            : " Reboot pending on \(Quantity.count(waiting, "host")): apply with --max-disruption reboot."
        let unpowered = run.hosts.count { host in
            host.resources.contains { resource in
                resource.outcome == .pending
                    && resource.changes.contains { $0.disruption == .powerCycle }
            }
        }
        if unpowered > 0 {
            pending +=
                " Power cycle pending on \(Quantity.count(unpowered, "host")): "
                + "switch it off and on by hand."
        }
        let reboot =
            run.disruptions[.reboot] != nil
            || run.hosts.contains { $0.resources.contains(where: \.waitsForReboot) }
        var reboots = reboot || unpowered > 0 ? pending : " No reboot."
        if run.verb != "apply", run.disruptions[.reboot] != nil {
            reboots = " One reboot for all of them, and only with --max-disruption reboot."
        }
        let changed = run.disruptions.values.reduce(0, +)
        let unheard = run.counts[.unknown] ?? 0
        if unheard > 0 {
            pending +=
                " The result of \(Quantity.count(unheard, "host")) is not known: muster resume \(run.id)."
            reboots = pending
        }
        if changed == 0 { return unheard > 0 ? hosts + pending : "\(hosts) No changes.\(pending)" }
        let disruption = costs.isEmpty ? "none" : costs.joined(separator: ", ")
        return "\(hosts) \(Quantity.count(changed, "change")). Disruption: \(disruption).\(reboots)"
    }
}
