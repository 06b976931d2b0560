/// The name of a kernel parameter, which is written in two ways (sysctl.d(5)).
package struct SysctlKey: Sendable, Hashable {
    /// The path below /proc/sys: `net/ipv4/conf/eth0.100/rp_filter`.
    package let path: String

    /// Reads both forms; the first separator tells which one.
    ///
    /// If it is a slash, the text is a path. If it is a dot, dots and slashes are exchanged.
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

    /// The path of the parameter below /proc/sys.
    package var procPath: String { "/proc/sys/" + path }

    /// Whether systemd-sysctl treats the key as a pattern.
    package var isGlob: Bool { path.contains { "*?[".contains($0) } }
}
