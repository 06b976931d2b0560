import FleetModel
import Wire

/// The canonical text of one planned resource, written once for all plans it is in.
///
/// Only `requires` differs from plan to plan, and the members before and after it do not: they are
/// sorted by name.
struct ResourceBytes: Sendable {
    /// From the opening brace to before `requires`.
    private let head: [UInt8]
    /// What follows it, to the closing brace.
    private let tail: [UInt8]

    /// `resource` is as it is without `requires`.
    init(_ resource: PlannedResource) {
        var before: [(key: String, value: JSON)] = []
        var after: [(key: String, value: JSON)] = []
        for member in resource.json.object ?? [:] {
            if member.key < "requires" { before.append(member) } else { after.append(member) }
        }
        head = [UInt8(ascii: "{")] + JSON.canonicalMembers(before)
        tail = JSON.canonicalMembers(after) + [UInt8(ascii: "}")]
    }

    /// Appends the whole, with what comes first; see ``text(of:)``.
    func write(requires: [UInt8], to bytes: inout [UInt8]) {
        bytes += head
        bytes += requires
        bytes.append(UInt8(ascii: ","))
        bytes += tail
    }

    /// The member `requires` with the comma before it; nothing where nothing is required.
    static func text(of requires: [String]) -> [UInt8] {
        if requires.isEmpty { return [] }
        return Array(",\"requires\":".utf8) + JSON.strings(requires).canonicalBytes
    }
}
