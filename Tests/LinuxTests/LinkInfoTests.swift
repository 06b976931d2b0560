import Glibc
import Linux
import TestSupport
import Testing

/// What drivers say, asked of a real one.
@Suite struct LinkInfoTests {
    /// A pair of virtual links is there wherever one may be made.
    @Test func aDriverSaysItsNameAndVersion() throws {
        let name = "mlt\(getpid() % 100_000)"
        let made = try ProcessRunner.run(
            ProgramCall(
                "/sbin/ip", ["link", "add", name, "type", "veth", "peer", "name", name + "p"]))
        try #require(made.succeeded, "\(made.errorText)")
        defer { _ = try? ProcessRunner.run(ProgramCall("/sbin/ip", ["link", "del", name])) }
        let info = try LocalMachine().linkInfo(name)
        #expect(info.driver == "veth")
        #expect(info.version == "1.0", "as the driver has it, without what pads it")
        // Nobody made it, so that it has no address from the factory.
        #expect(info.permanentAddress == nil)
    }

    @Test func whatIsNotThereIsAnError() {
        do {
            _ = try LocalMachine().linkInfo("no-such-link")
            Issue.record("it was found")
        } catch {
            #expect(error.isNotFound || error.code == ENODEV)
        }
        do {
            _ = try LocalMachine(root: "/tmp").linkInfo("lo")
            Issue.record("a copy has no drivers")
        } catch {
            #expect(error.code == ENOSYS)
        }
    }
}
