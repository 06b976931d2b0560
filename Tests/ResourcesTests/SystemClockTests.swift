import Kinds
import TestSupport
import Testing
import Wire

@testable import Resources

/// What disciplines of the clock say of it, as the real ones write it.
@Suite struct SystemClockTests {
    /// Replies of chronyd 4.3; of the second `chronyc tracking` said 2.425 us fast.
    @Test func chronydsRepliesAreRead() throws {
        let unsynchronised = try #require(ChronyTracking(bytes(Self.unsynchronised)))
        #expect(unsynchronised.leap == 3 && unsynchronised.stratum == 0)
        let following = try #require(ChronyTracking(bytes(Self.following)))
        #expect(following.reference == 0x7f00_0001)
        #expect(following.stratum == 4 && following.leap == 0)
        #expect(abs(following.correction + 2.425e-6) < 0.0005e-6, "\(following.correction)")
        let own = try #require(ChronyTracking(bytes(Self.own)))
        #expect(own.reference == 0x7f7f_0101 && own.correction == 0)
    }

    /// No reply, however short or wrong, is taken for one.
    @Test func otherRepliesAreNone() {
        let reply = bytes(Self.following)
        for length in 0..<104 { #expect(ChronyTracking(Array(reply.prefix(length))) == nil) }
        for (offset, value) in [(1, 1), (5, 34), (7, 6), (9, 4)] as [(Int, UInt8)] {
            var other = reply
            other[offset] = value
            #expect(ChronyTracking(other) == nil, "byte \(offset)")
        }
    }

    @Test(arguments: [0, 1, -1, 2.425e-6, -0.00312, 1e-9, 86400, -1e-12])
    func chronysNumbersAreRead(_ value: Double) throws {
        let machine = FakeMachine()
        machine.chrony = FakeChrony(["correction": .number(value)])
        let tracking = try #require(
            ChronyTracking(try machine.askChrony(ChronyTracking.request)))
        #expect(abs(tracking.correction - value) <= abs(value) * 1e-6)
    }

    /// Of ptp4l and phc2sys 3.1 and of the summaries both can write.
    @Test func theLastLineOfALogCounts() {
        func read(_ log: String) -> ClockOffset { LinuxptpLog.offset(inLog: log, of: "ptp4l@a") }
        let summary =
            "[513.345] rms 58111 max 463453 freq +27141 +/- 5824 delay 19925 +/- 1115\n"
        #expect(read(summary) == .nanoseconds(463_453))
        let line = "[71.310] master offset        -12 s2 freq   +1234 path delay       480\n"
        #expect(read(summary + line) == .nanoseconds(12))
        #expect(
            read("[9.1] CLOCK_REALTIME phc offset -9223372036854775808 s2 freq +0 delay 1\n")
                == .nanoseconds(9_223_372_036_854_775_808))
        // A port that comes to be a slave has not lost anything.
        #expect(
            read(line + "[72.1] port 1: UNCALIBRATED to SLAVE on MASTER_CLOCK_SELECTED\n")
                == .nanoseconds(12))
        #expect(
            read(line + "[72.1] port 1: SLAVE to FAULTY on FAULT_DETECTED (FT_UNSPECIFIED)\n")
                == .unknown(
                    "ptp4l@a lost its source: port 1: SLAVE to FAULTY on FAULT_DETECTED (FT_UNSPECIFIED)"
                ))
        for rest in ["", "offset\n", "master offset x s2\n", "rms max\n", "rms 1 max\n"] {
            #expect(read(rest) == .unknown("ptp4l@a has logged no offset for three minutes"))
        }
    }

    @Test func timesAreSaidInTheirUnit() {
        let texts: [(Double, String)] = [
            (0, "0 ns"), (46, "46 ns"), (999.6, "1000 ns"), (1000, "1 us"), (12_345, "12.3 us"),
            (3_120_000, "3.1 ms"), (37e9, "37 s"),
        ]
        for (value, text) in texts { #expect(ClockOffset.text(value) == text) }
    }

    @Test func versionsAreFoundInWhatProgramsSay() {
        let said = [
            "chronyd (chrony) version 4.3 (+CMDMON +NTP -DEBUG)\n": "4.3", "3.1.1\n": "3.1.1",
            "Solarflare Enhanced PTP Daemon, version 3.8.0.1002\n": "3.8.0.1002",
            "3.10.0.1000\n": "3.10.0.1000", "sfptpd: not here\n": nil, "": nil,
        ]
        for (text, version) in said { #expect(ClockProgram.version(text) == version, "\(text)") }
    }

    private func bytes(_ hex: String) -> [UInt8] {
        var rest = hex[...]
        var bytes: [UInt8] = []
        while !rest.isEmpty {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    private static let unsynchronised =
        "060200000021000500000000000000000000000000000000000000000000000000000000000000000000"
        + "000000000000000000000000000300000000000000000000000000000000000000000000000000000000"
        + "0000000000000000048000000480000000000000"
    private static let following =
        "060200000021000500000000000000000000000000000000000000007f0000017f000001000000000000"
        + "0000000000000001000000040000000000006b0b5ba225f8a416df5d42fcdb03ae87deb064bcfad3f514"
        + "f95cca1200f8393ae0d2ec54dcaac7f704804538"
    private static let own =
        "060200000021000500000000000000000000004d00000000000000007f7f010100000000000000000000"
        + "0000000000000000000000080000000000006b0b543c093d8dd800000000000000000000000000000000"
        + "0000000000000000000000000000000000000000"
}
