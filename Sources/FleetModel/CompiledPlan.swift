import Wire

/// A plan with its canonical bytes: a plan is shown, stored, sent and run under the digest of these
/// bytes.
///
/// The compiler makes the bytes once, or they are read from where a plan was kept; nothing encodes
/// the plan again. Where each resource is declared is kept beside the bytes: a comment added to a
/// role moves lines, but does not change the plan.
package struct CompiledPlan: Sendable, Equatable {
    package let plan: Plan
    /// The plan's canonical bytes.
    package let bytes: [UInt8]
    /// The SHA-256 of the bytes.
    package let digest: Digest
    /// By address of resource or handler, the place of its declaration: `Roles/x/role.yaml:12`.
    package let origins: [String: String]

    /// A plan whose bytes are known already; they must be its canonical bytes.
    package init(plan: Plan, bytes: [UInt8], digest: Digest, origins: [String: String] = [:]) {
        self.plan = plan
        self.bytes = bytes
        self.digest = digest
        self.origins = origins
    }

    /// Encodes the plan.
    package init(_ plan: Plan, origins: [String: String] = [:]) {
        let bytes = plan.json.canonicalBytes
        self.init(plan: plan, bytes: bytes, digest: Digest(of: bytes), origins: origins)
    }

    /// Reads a plan from bytes that were kept or sent; refuses bytes that are not the canonical
    /// form of a plan, since their digest would not identify the plan.
    package init(reading bytes: [UInt8], origins: [String: String] = [:]) throws(JSONError) {
        let json = try JSON(parsing: bytes)
        let plan = try Plan(json: json)
        guard json.canonicalBytes == bytes else {
            throw JSONError("the bytes of the plan are not in canonical form")
        }
        self.init(plan: plan, bytes: bytes, digest: Digest(of: bytes), origins: origins)
    }
}
