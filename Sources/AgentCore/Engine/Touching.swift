import FleetModel
import Kinds

/// Whether a change of one resource may alter what was observed of another.
///
/// Claims decide this: a change touches what the resource owns or provides, and paths above and
/// below that; it does not touch what the resource only needs. Claims do not show what a package or
/// a command changes, so these touch everything.
struct Touching {
    /// By position: what a change may alter.
    private let made: [[Claim]]
    /// By position: what must be there first.
    private let needed: [[Claim]]
    /// By position: whether what a change does is not known from its claims.
    private let changesAnything: [Bool]

    init(_ plan: BoundPlan) {
        let declarations = plan.items.map { $0.batch.declaration($0.place) }
        made = declarations.map { $0.owns + $0.provides }
        needed = declarations.map(\.needs)
        changesAnything = declarations.map { type(of: $0).schema.traits.changes == .anything }
    }

    /// Whether a change of the resource at `changed` may touch the resource at `other`.
    func touches(_ changed: Int, _ other: Int) -> Bool {
        if changesAnything[changed] { return true }
        return made[changed].contains { left in
            made[other].contains { Touching.meet(left, $0) }
                || needed[other].contains { Touching.bears(left, $0) }
        }
    }

    private static func meet(_ left: Claim, _ right: Claim) -> Bool {
        if left == right { return true }
        if let one = left.touchedPath, let two = right.touchedPath {
            return isIn(one, two) || isIn(two, one)
        }
        switch (left, right) {
        case (.user(let user), .authorizedKey(let other, _)),
            (.authorizedKey(let user, _), .user(let other)):
            return user == other
        default: return false
        }
    }

    /// Whether what is made is what is needed, or a directory above it.
    ///
    /// A path made inside a needed directory does not matter to the resource that needs the
    /// directory.
    private static func bears(_ made: Claim, _ need: Claim) -> Bool {
        if made == need { return true }
        guard let one = made.touchedPath, let two = need.touchedPath else { return false }
        return isIn(two, one)
    }

    /// Whether a path equals another or lies below it.
    private static func isIn(_ path: String, _ directory: String) -> Bool {
        path == directory || path.hasPrefix(directory == "/" ? directory : directory + "/")
    }
}

extension Claim {
    fileprivate var touchedPath: String? {
        switch self {
        case .path(let path), .linePattern(let path, _): path
        default: nil
        }
    }
}
