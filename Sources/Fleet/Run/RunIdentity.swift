import Glibc
import Linux

/// Who runs what, for the logs of controller and hosts.
package enum RunIdentity {
    /// Eight hexadecimal digits, new for every run.
    package static func newID() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// `user@machine`; for root by sudo, the user who called sudo.
    package static func requestedBy() -> String {
        let user =
            variable("SUDO_USER") ?? getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) }
            ?? "uid \(getuid())"
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let machine = String(
            decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return "\(user)@\(machine)"
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }
}
