import FleetModel
import Kinds
import Linux
import TestSupport
import Testing
import Wire

/// Two cases of one kind on one machine, or one case alone.
struct FixturePair: Sendable, CustomTestStringConvertible {
    let kind: Kind
    let names: [String]
    private let machine: JSON
    private let resources: [JSON]

    var testDescription: String { "\(kind.rawValue)/\(names.joined(separator: " and "))" }

    /// A case alone; nil where there is nothing to apply.
    init?(_ fixture: ResourceFixture) {
        guard fixture.isApplied, let json = try? fixture.read().json else { return nil }
        kind = fixture.kind
        names = [fixture.caseName]
        machine = json
        resources = [json["resource"] ?? [:]]
    }

    /// Both on one machine; nil where their machines or their claims contradict each other.
    init?(_ first: FixturePair, _ second: FixturePair) {
        guard let machine = FixturePair.merged(first.machine, second.machine) else { return nil }
        kind = first.kind
        names = first.names + second.names
        self.machine = machine
        resources = first.resources + second.resources
        guard let contents = try? contents(),
            let claims = try? contents.map({
                try $0.kind.declaration(name: $0.name, attributes: $0.attributes).owns
            }), Set(claims[0]).isDisjoint(with: claims[1])
        else { return nil }
    }

    /// What each declares, on the machine of both.
    func contents() throws -> [FixtureContent] {
        try resources.map { resource in
            var json = machine.object ?? [:]
            json["resource"] = resource
            return try FixtureContent(.object(json), kind: kind)
        }
    }

    /// One description of what both describe.
    private static func merged(_ first: JSON, _ second: JSON) -> JSON? {
        var all = first.object ?? [:]
        for (key, value) in second.object ?? [:] {
            guard let there = all[key] else {
                all[key] = value
                continue
            }
            switch key {
            case "why", "resource", "diff", "after", "again", "apply_fault", "findings",
                "drivers_after":
                continue
            case "blobs": all[key] = .array((there.array ?? []) + (value.array ?? []))
            case "programs":
                guard let programs = programs(there, value) else { return nil }
                all[key] = programs
            case "before", "systemd", "kernel_refuses", "drivers":
                var members = there.object ?? [:]
                for (name, member) in value.object ?? [:] {
                    guard members[name] == nil || members[name] == member else { return nil }
                    members[name] = member
                }
                all[key] = .object(members)
            default: guard there == value else { return nil }
            }
        }
        return .object(all)
    }

    private static func programs(_ first: JSON, _ second: JSON) -> JSON? {
        var all = first.array ?? []
        for program in second.array ?? [] where !all.contains(program) {
            if all.contains(where: { $0["run"] == program["run"] }) { return nil }
            all.append(program)
        }
        return .array(all)
    }

    /// Every case that is applied.
    static let alone: [FixturePair] = ResourceFixture.all.compactMap(FixturePair.init)

    /// Every two of one kind that can stand on one machine.
    ///
    /// Not of packages: those cases answer for apt and dnf with dpkg's whole database, each with its
    /// own; see ``PackageTransactionTests``.
    static let pairs: [FixturePair] = Kind.allCases.flatMap { kind -> [FixturePair] in
        if kind == .package { return [] }
        let all = alone.filter { $0.kind == kind }
        return all.indices.flatMap { first in
            all[(first + 1)...].compactMap { FixturePair(all[first], $0) }
        }
    }
}
