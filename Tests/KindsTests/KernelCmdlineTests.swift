import FleetModel
import Kinds
import Testing
import Wire

/// Kernel parameters, one by one and in sets.
@Suite struct KernelCmdlineTests {
    /// What is refused before any host is asked, and what is said.
    static let faults: [(parameters: [String], without: [String], fault: String)] = [
        (["a b"], [], "\"a b\" is not one kernel parameter"),
        ([""], [], "\"\" is not one kernel parameter"),
        (["--"], [], "\"--\" is not one kernel parameter"),
        (["a='b'"], [], "has a character that boot loaders treat differently"),
        (["skew_tick=1", "skew-tick=0"], [], "skew_tick is given twice"),
        (["quiet"], ["quiet"], "quiet is both wanted and unwanted"),
        (["nohz=off", "nohz_full=2-3"], [], "nohz=off and nohz_full contradict each other"),
        (
            ["isolcpus=nohz,domain,2-3", "nohz_full=2-4"], [],
            "isolcpus=nohz has CPUs 2-3, but nohz_full has 2-4"
        ),
        (["isolcpus=managed,2-3"], [], "managed in isolcpus=managed,2-3 is not a flag of isolcpus"),
        (["nohz_full=domain,2"], [], "domain in nohz_full=domain,2 is not a flag of nohz_full"),
        (["isolcpus=3-2"], [], "isolcpus: 3-2 in \"3-2\" is a descending range"),
        (["nohz_full="], [], "nohz_full= names no CPU"),
        (["hugepagesz=1G"], [], "no hugepages follows hugepagesz=1G"),
        (
            ["hugepagesz=2M", "hugepages=1", "hugepagesz=2M", "hugepages=2"], [],
            "hugepagesz=2M is given twice"
        ),
        (
            ["hugepagesz=2M", "hugepages=1", "hugepages=2"], [],
            "hugepages for size 2M is given"
        ),
        (["hugepagesz=big", "hugepages=1"], [], "hugepagesz=big is not a huge page size"),
        (["hugepages=many"], [], "hugepages=many is not a number of pages"),
        ([], [], "the set has no parameters"),
    ]

    @Test(arguments: faults.indices)
    func isRefused(_ index: Int) {
        let (parameters, without, expected) = Self.faults[index]
        do {
            _ = try KernelCmdlineDeclaration(
                name: "x",
                attributes: [
                    "state": "present", "parameters": .strings(parameters),
                    "without": .strings(without),
                ])
            Issue.record("\(parameters) was taken")
        } catch {
            #expect(error.message.contains(expected), "\(error.message)")
        }
    }

    @Test func splitsAsTheKernelDoes() {
        let line = "BOOT_IMAGE=/vmlinuz ro  dyndbg=\"file x +p\" quiet\t-- single"
        #expect(
            KernelParameter.split(line).map(\.text) == [
                "BOOT_IMAGE=/vmlinuz", "ro", "dyndbg=\"file x +p\"", "quiet",
            ])
        #expect(KernelParameter.split("a=\"b c").map(\.text) == ["a=\"b c "])
    }

    @Test func meaningIsNotSpelling() throws {
        func means(_ left: String, _ right: String) throws -> Bool {
            try KernelParameter(left).means(KernelParameter(right))
        }
        #expect(try means("nohz_full=2,3", "nohz_full=2-3"))
        #expect(try means("isolcpus=domain,managed_irq,2-3", "isolcpus=managed_irq,domain,3,2"))
        #expect(try !means("isolcpus=managed_irq,2-3", "isolcpus=domain,2-3"))
        #expect(try !means("tsc=reliable", "tsc=nowatchdog"))
        #expect(try KernelParameter("rcupdate.rcu-normal=1").key == "rcupdate.rcu_normal")
    }

    /// Two sets of one host cannot own one parameter; what may be repeated is owned by its value.
    @Test func claimsAreByKey() throws {
        func claims(_ parameters: [String]) throws -> Set<Claim> {
            let declaration = try KernelCmdlineDeclaration(
                name: "x", attributes: ["parameters": .strings(parameters)])
            return Set(declaration.owns).subtracting([.kernelCmdline("x")])
        }
        #expect(try claims(["isolcpus=2"]) == claims(["isolcpus=3"]))
        #expect(try claims(["console=tty0"]) != claims(["console=ttyS0"]))
        #expect(
            try claims(["hugepagesz=1G", "hugepages=1"]) == [.kernelParameter("hugepages")])
    }
}
