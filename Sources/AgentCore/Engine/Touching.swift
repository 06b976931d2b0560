import FleetModel
import Kinds

/// Whether a change of one resource may alter what was observed of another.
///
/// Decided by claims: the same thing, or a path above or below. What a package or a command
/// changes cannot be told from its claims, so those touch everything.
struct Touching {
    private let claims: [[Claim]]
    private let kinds: [Kind]

    init(_ plan: BoundPlan) {
        claims = plan.items.map {
            let declaration = $0.batch.declaration($0.place)
            return declaration.owns + declaration.provides + declaration.needs
        }
        kinds = plan.items.map(\.resource.kind)
    }

    /// Whether a change of the one at `changed` may touch the one at `other`.
    func touches(_ changed: Int, _ other: Int) -> Bool {
        switch kinds[changed] {
        case .package, .packageRepository, .command: return true
        default: break
        }
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
