import FleetModel
import Wire

/// The canonical text of a planned resource, encoded once for all plans that contain it.
///
/// Only the member `requires` differs between plans. Members are sorted by name, so the text before
/// and after it is constant.
struct ResourceBytes: Sendable {
    /// The text from the opening brace up to `requires`.
    private let head: [UInt8]
    /// The text after `requires`, up to the closing brace.
    private let tail: [UInt8]

    /// `resource` must not have `requires` yet.
    init(_ resource: PlannedResource) {
        var before: [(key: String, value: JSON)] = []
        var after: [(key: String, value: JSON)] = []
        for member in resource.json.object ?? [:] {
            if member.key < "requires" { before.append(member) } else { after.append(member) }
        }
        head = [UInt8(ascii: "{")] + JSON.canonicalMembers(before)
        tail = JSON.canonicalMembers(after) + [UInt8(ascii: "}")]
    }

    /// Appends the whole resource with the given `requires`; see ``text(of:)``.
    func write(requires: [UInt8], to bytes: inout [UInt8]) {
        bytes += head
        bytes += requires
        bytes.append(UInt8(ascii: ","))
        bytes += tail
    }

    /// The member `requires` with a preceding comma; empty if nothing is required.
    static func text(of requires: [String]) -> [UInt8] {
        if requires.isEmpty { return [] }
        return Array(",\"requires\":".utf8) + JSON.strings(requires).canonicalBytes
    }
}
