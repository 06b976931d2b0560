import Glibc
import Linux
import Wire

/// A chronyd that answers what it tracks.
///
/// A fixture gives it as `"chrony": {"correction": SECONDS, "stratum": N, "leap": N,
/// "reference": "C0A80001", "status": N, "silent": true}`; each may be left out.
package struct FakeChrony {
    private let description: JSON

    package init(_ description: JSON) { self.description = description }

    func answer(_ request: [UInt8]) throws(SystemError) -> [UInt8] {
        if description["silent"] == true {
            throw SystemError(call: "read", object: "127.0.0.1:323", code: ETIMEDOUT)
        }
        func number(_ name: String, _ otherwise: Int) -> Int {
            description[name]?.integer ?? otherwise
        }
        var reply = [UInt8](repeating: 0, count: 104)
        func put(_ value: UInt32, at offset: Int, bytes: Int = 4) {
            for index in 0..<bytes {
                reply[offset + index] = UInt8(
                    truncatingIfNeeded: value >> (8 * (bytes - 1 - index)))
            }
        }
        put(0x0602_0000, at: 0)
        reply[4] = request[4]
        reply[5] = request[5]
        put(5, at: 6, bytes: 2)
        put(UInt32(number("status", 0)), at: 8, bytes: 2)
        for index in 0..<4 { reply[16 + index] = request[8 + index] }
        let reference = description["reference"]?.string ?? "C0A80001"
        put(UInt32(reference, radix: 16) ?? 0, at: 28)
        put(UInt32(number("stratum", 3)), at: 52, bytes: 2)
        put(UInt32(number("leap", 0)), at: 54, bytes: 2)
        put(FakeChrony.float(description["correction"]?.double ?? 0), at: 68)
        return reply
    }

    /// Seven bits of exponent, 25 of coefficient, both signed: coefficient * 2^(exponent - 25).
    private static func float(_ value: Double) -> UInt32 {
        if value == 0 { return 0 }
        var exponent = 25
        var coefficient = value
        while abs(coefficient) >= 16_777_216 {
            coefficient /= 2
            exponent += 1
        }
        while abs(coefficient) < 8_388_608, exponent > -63 {
            coefficient *= 2
            exponent -= 1
        }
        let bits = UInt32(bitPattern: Int32(coefficient.rounded())) & 0x1ff_ffff
        return (UInt32(bitPattern: Int32(exponent)) & 0x7f) << 25 | bits
    }
}
