import FleetModel
import Glibc
import Linux
import SystemFaults

/// What chronyd tracks, read from its command port: the figures of `chronyc tracking`.
///
/// The protocol is version 6 (chrony 2 to 4), with numbers in network byte order. A request is
/// padded to the length of its reply.
struct ChronyTracking: Equatable {
    /// The reference ID: an address, or a name of four letters; 0 if chronyd follows no source.
    var reference: UInt32
    var stratum: Int
    /// The leap status; 3 means not synchronised.
    var leap: Int
    /// The correction that the system clock still needs, in seconds.
    var correction: Double

    private static let command: UInt8 = 33
    private static let length = 104
    /// The reference ID 127.127.1.1: chronyd's own clock, with the directive `local`.
    private static let ownClock: UInt32 = 0x7f7f_0101

    /// The request for the tracking report.
    static let request: [UInt8] = {
        var bytes = [UInt8](repeating: 0, count: length)
        bytes[0] = 6
        bytes[1] = 1
        bytes[5] = command
        return bytes
    }()

    /// Parses a reply; nil if it does not answer ``request``.
    init?(_ reply: [UInt8]) {
        func number(_ offset: Int, _ count: Int) -> UInt32 {
            reply[offset..<offset + count].reduce(0) { $0 << 8 | UInt32($1) }
        }
        // Packet type 2 is a reply; 5 is the tracking report; status 0 is success.
        guard reply.count >= Self.length, reply[1] == 2, number(4, 2) == UInt32(Self.command),
            number(6, 2) == 5, number(8, 2) == 0
        else { return nil }
        reference = number(28, 4)
        stratum = Int(number(52, 2))
        leap = Int(number(54, 2))
        correction = Self.float(number(68, 4))
    }

    /// Decodes chrony's float: 7 bits of exponent and 25 bits of coefficient, both signed.
    private static func float(_ bits: UInt32) -> Double {
        let exponent = Int(Int32(bitPattern: bits) >> 25) - 25
        let coefficient = Int(Int32(bitPattern: bits << 7) >> 7)
        return scalbn(Double(coefficient), Int32(exponent))
    }

    static func offset(on machine: any Machine) throws(AgentFault) -> ClockOffset {
        let reply: [UInt8]
        do throws(SystemError) {
            reply = try machine.askChrony(request)
        } catch {
            switch error.code {
            case ECONNREFUSED:
                return .unknown(
                    "nothing listens on 127.0.0.1:323, chronyd's command port (cmdport 0 closes it)"
                )
            case ETIMEDOUT: return .unknown("chronyd does not answer on 127.0.0.1:323")
            default: throw AgentFault("ask chronyd what it tracks", error)
            }
        }
        guard let tracking = ChronyTracking(reply) else {
            return .unknown("chronyd sent no valid tracking report")
        }
        if tracking.leap == 3 || tracking.stratum == 0 || tracking.reference == 0 {
            return .unknown("chronyd follows no source yet")
        }
        if tracking.reference == ownClock {
            return .unknown("chronyd follows no source, only its own clock (local)")
        }
        return .nanoseconds(abs(tracking.correction) * 1e9)
    }
}
