/// The name of a kernel parameter, in the two ways it is written (sysctl.d(5)).
package struct SysctlKey: Sendable, Hashable {
    /// The path below /proc/sys: `net/ipv4/conf/eth0.100/rp_filter`.
    package let path: String

    /// Reads either way: where the first separator is a slash, dots are dots; where it is a dot, dots
    /// become slashes and slashes dots.
    package init(_ text: some StringProtocol) {
        var bytes = Array(text.utf8)
        let dot = UInt8(ascii: ".")
        let slash = UInt8(ascii: "/")
        if bytes.first(where: { $0 == dot || $0 == slash }) == dot {
            bytes = bytes.map { $0 == dot ? slash : $0 == slash ? dot : $0 }
        }
        let parts = bytes.split(separator: slash).filter { $0 != [dot] }
        path = parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }

    /// The dotted form: `net.ipv4.conf.eth0/100.rp_filter`.
    package var dotted: String {
        String(path.map { $0 == "/" ? "." : $0 == "." ? "/" : $0 })
    }

    /// Where the kernel shows it.
    package var procPath: String { "/proc/sys/" + path }

    /// Whether systemd-sysctl takes it for a pattern.
    package var isGlob: Bool { path.contains { "*?[".contains($0) } }
}
