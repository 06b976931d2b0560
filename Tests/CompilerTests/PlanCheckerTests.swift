import Compiler
import FleetModel
import Testing
import Wire

/// The checker finds each thing that can be wrong with a plan.
@Suite struct PlanCheckerTests {
    static func sound() -> Plan {
        Plan(
            host: "a",
            resources: [
                PlannedResource(
                    address: "r/directory:/srv/a", kind: .directory, name: "/srv/a",
                    attributes: ["state": "present"]),
                PlannedResource(
                    address: "r/symlink:/srv/a/b", kind: .symlink, name: "/srv/a/b",
                    attributes: ["state": "present", "target": "c"],
                    requires: ["r/directory:/srv/a"], notify: ["r/h"]),
            ],
            handlers: [
                PlannedHandler(address: "r/h", kind: .service, name: "x", action: .restart)
            ])
    }

    @Test func aSoundPlanHasNoFindings() {
        #expect(PlanChecker.check(Self.sound(), secrets: ["p0ison"]) == [])
    }

    struct Damage: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let finding: String
        let make: @Sendable (inout Plan) -> Void
    }

    static let damages: [Damage] = [
        Damage(testDescription: "order", finding: "which does not come before it") {
            $0.resources.swapAt(0, 1)
        },
        Damage(testDescription: "unknown requirement", finding: "requires r/none") {
            $0.resources[0].requires = ["r/none"]
        },
        Damage(testDescription: "unknown handler", finding: "notifies r/none") {
            $0.resources[0].notify = ["r/none"]
        },
        Damage(testDescription: "handler nobody notifies", finding: "not notified by any resource")
        {
            $0.resources[1].notify = []
        },
        Damage(testDescription: "two handlers", finding: "two handlers have the same address") {
            $0.handlers.append($0.handlers[0])
        },
        Damage(testDescription: "twice", finding: "occurs twice") {
            $0.resources.append($0.resources[0])
        },
        Damage(testDescription: "address", finding: "another kind or name") {
            $0.resources[0].address = "r/file:/srv/a"
        },
        Damage(testDescription: "claims", finding: "owns the path /srv/a") {
            $0.resources[1].name = "/srv/a"
        },
        Damage(testDescription: "unreadable", finding: "cannot be read") {
            $0.resources[1].attributes["target"] = nil
        },
        Damage(testDescription: "unknown attribute", finding: "which its kind does not have") {
            $0.resources[0].attributes["colour"] = "red"
        },
        Damage(testDescription: "secret", finding: "contains a secret in plain text") {
            $0.resources[1].attributes["target"] = "p0ison"
        },
    ]

    @Test(arguments: damages)
    func everyDamageIsFound(_ damage: Damage) {
        var plan = Self.sound()
        damage.make(&plan)
        let findings = PlanChecker.check(plan, secrets: ["p0ison"]).map(\.description)
        #expect(findings.contains { $0.contains(damage.finding) }, "\(findings)")
    }
}
