import FleetModel
import Testing
import Wire

@testable import Kinds

/// What code that knows no kind by name goes by.
@Suite struct TraitTests {
    @Test(
        "names that mean the same thing",
        arguments: [
            (Kind.file, "/etc/motd", "/etc/motd/", true), (.mount, "/data/", "/data", true),
            (.directory, "/", "/", true), (.directory, "/a", "/b/", false),
            (.line, "a/", "a", false), (.service, "ssh", "ssh.service", true),
            (.service, "ssh", "ssh.socket", false), (.unit, "ssh", "ssh.service", false),
        ])
    func names(_ kind: Kind, _ left: String, _ right: String, _ isSame: Bool) {
        let form = kind.schema.traits.names
        #expect(form.isSame(left, right) == isSame)
        #expect(form.isSame(right, left) == isSame)
    }

    @Test func whatIsToBeAbsentIsNotThere() {
        #expect(Kind.package.schema.isAbsent(["state": "purged"]))
        #expect(Kind.file.schema.isAbsent(["state": "absent"]))
        #expect(!Kind.file.schema.isAbsent([:]))
        #expect(!Kind.service.schema.isAbsent(["state": "stopped"]))
        // No state of a file.
        #expect(!Kind.file.schema.isAbsent(["state": "purged"]))
    }

    /// What the compiler computes is in a plan of the kinds it computes it for, and of no others.
    @Test func attributesOfPlans() {
        #expect(Kind.file.schema.mayPlan("content_digest"))
        #expect(!Kind.sysctl.schema.mayPlan("content_digest"))
        #expect(Kind.directory.schema.mayPlan("purge_declared"))
        #expect(!Kind.file.schema.mayPlan("purge_declared"))
        #expect(Kind.cpuIsolation.schema.mayPlan("housekeeping"))
        #expect(Kind.sysctl.schema.mayPlan("state") && !Kind.expect.schema.mayPlan("state"))
    }

    /// Threads before CPUs, cards before their interrupts.
    @Test func bootOrder() {
        let order = Kind.allCases.compactMap { kind in
            (kind.declarationType as? any BootKeptDeclaration.Type).map { (kind, $0.bootOrder) }
        }.sorted { $0.1 < $1.1 }
        #expect(order.prefix(3).map(\.0) == [.smt, .hugepages, .cpuPower])
        #expect(order.first { $0.1.stage == .late }?.0 == .nic)
    }

    @Test func interruptsAndTheirRoom() throws {
        let card = try Kind.nic.declaration(
            name: "ens1", attributes: ["channels": ["combined": 2, "rx": 1, "tx": 3]])
        #expect(card.interrupts == .queues(5))
        let isolation = try Kind.cpuIsolation.declaration(
            name: "system",
            attributes: ["housekeeping": "0-1", "isolated": "2-3", "mechanism": "boot"])
        #expect(isolation.interrupts == .room(CPUList([0, 1])))
        let gone = try Kind.nic.declaration(name: "ens1", attributes: ["state": "absent"])
        #expect(gone.interrupts == nil)
    }
}
