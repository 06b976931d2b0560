import FleetModel
import Kinds

/// Whether a change of one resource may alter what was observed of another.
///
/// Decided by claims: the same thing, or a path above or below. What a package or a command
/// changes cannot be told from its claims, so those touch everything.
struct Touching {
    private let claims: [[Claim]]
    /// By position: whether what a change does is not known from its claims.
    private let changesAnything: [Bool]

    init(_ plan: BoundPlan) {
        let declarations = plan.items.map { $0.batch.declaration($0.place) }
        claims = declarations.map { $0.owns + $0.provides + $0.needs }
        changesAnything = declarations.map { type(of: $0).schema.traits.changes == .anything }
    }

    /// Whether a change of the one at `changed` may touch the one at `other`.
    func touches(_ changed: Int, _ other: Int) -> Bool {
        if changesAnything[changed] { return true }
        return claims[changed].contains { left in
            claims[other].contains { right in Touching.meet(left, right) }
        }
    }

    private static func meet(_ left: Claim, _ right: Claim) -> Bool {
        if left == right { return true }
        if let one = left.touchedPath, let two = right.touchedPath {
            return one == two || two.hasPrefix(one == "/" ? one : one + "/")
                || one.hasPrefix(two == "/" ? two : two + "/")
        }
        switch (left, right) {
        case (.user(let user), .authorizedKey(let other, _)),
            (.authorizedKey(let user, _), .user(let other)):
            return user == other
        default: return false
        }
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
