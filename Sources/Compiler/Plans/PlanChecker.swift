import FleetModel
import Kinds
import Wire

/// Checks that a finished plan has all properties that the agent relies on.
///
/// Deliberately independent of the compiler: it looks only at the result.
package enum PlanChecker {
    /// A fault in a plan.
    package struct Finding: Sendable, Equatable, CustomStringConvertible {
        /// The address of the resource or handler; nil for the whole plan.
        package let address: String?
        package let message: String

        package var description: String { address.map { "\($0): \(message)" } ?? message }
    }

    /// All findings; empty for a valid plan.
    ///
    /// `secrets` are texts that must not occur anywhere in the plan.
    package static func check(_ plan: Plan, secrets: [String] = []) -> [Finding] {
        check(plan, bytes: plan.json.canonicalBytes, secrets: secrets)
    }

    /// All findings for a plan with these bytes.
    static func check(_ plan: Plan, bytes: [UInt8], secrets: [String] = []) -> [Finding] {
        var findings = checkLists(resources: plan.resources, handlers: plan.handlers)
        let parts = plan.resources.map { Part($0) }
        findings += checkTogether(parts)
        if !secrets.isEmpty { findings += checkSecrets(plan, secrets) }
        findings += checkRoundTrip(plan, bytes)
        return findings
    }

    /// The check of a single resource, shared by all hosts that share the resource.
    struct Part: Sendable {
        let address: String
        let owns: Set<Claim>
        let findings: [Finding]

        /// Checks that the kind accepts the resource, and that it can be decoded again.
        init(_ resource: PlannedResource) {
            address = resource.address
            var findings: [Finding] = []
            func add(_ message: String) {
                findings.append(Finding(address: resource.address, message: message))
            }
            do {
                owns = Set(
                    try resource.kind.declaration(
                        name: resource.name, attributes: resource.attributes
                    ).owns)
            } catch {
                owns = []
                add("cannot be read: \(error.message)")
            }
            let schema = resource.kind.schema
            for name in resource.attributes.keys.sorted() where !schema.mayPlan(name) {
                add("has an attribute \"\(name)\", which its kind does not have")
            }
            self.findings = findings
        }
    }

    /// Addresses, references and order.
    static func checkLists(
        resources: [PlannedResource], handlers: [PlannedHandler]
    ) -> [Finding] {
        var findings: [Finding] = []
        let handlerAddresses = Set(handlers.map(\.address))
        if handlerAddresses.count != handlers.count {
            findings.append(Finding(address: nil, message: "two handlers have the same address"))
        }
        var earlier: Set<String> = []
        var notified: Set<String> = []
        for resource in resources {
            func add(_ message: String) {
                findings.append(Finding(address: resource.address, message: message))
            }
            for other in resource.requires where !earlier.contains(other) {
                add("requires \(other), which does not come before it")
            }
            for handler in resource.notify where !handlerAddresses.contains(handler) {
                add("notifies \(handler), which is not in the plan")
            }
            notified.formUnion(resource.notify)
            if !earlier.insert(resource.address).inserted { add("occurs twice") }
            if !resource.address.hasSuffix("/\(resource.kind.rawValue):\(resource.name)") {
                add("has an address of another kind or name")
            }
        }
        for handler in handlers where !notified.contains(handler.address) {
            findings.append(
                Finding(address: handler.address, message: "is not notified by any resource"))
        }
        return findings
    }

    /// The findings of each resource alone, and claims owned by two of them.
    static func checkTogether(_ parts: [Part]) -> [Finding] {
        var findings = parts.flatMap(\.findings)
        var owners: [Claim: String] = [:]
        for part in parts {
            for claim in part.owns {
                if let other = owners.updateValue(part.address, forKey: claim) {
                    findings.append(
                        Finding(
                            address: part.address,
                            message: "owns \(claim.text), which \(other) owns too"))
                }
            }
        }
        return findings
    }

    private static func checkSecrets(_ plan: Plan, _ secrets: [String]) -> [Finding] {
        let text = plan.json.canonicalText
        return secrets.filter { !$0.isEmpty && text.contains($0) }.map { _ in
            Finding(address: nil, message: "contains a secret in plain text")
        }
    }

    private static func checkRoundTrip(_ plan: Plan, _ bytes: [UInt8]) -> [Finding] {
        guard let json = try? JSON(parsing: bytes), let read = try? Plan(json: json) else {
            return [Finding(address: nil, message: "cannot be decoded again")]
        }
        if read != plan || plan.json.canonicalBytes != bytes {
            return [Finding(address: nil, message: "decodes to a different plan")]
        }
        return []
    }
}
