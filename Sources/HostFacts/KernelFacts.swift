import Linux
import Wire

/// The kernel, the host's name and process 1.
struct KernelFacts {
    let architecture: JSON
    let hostname: JSON
    let json: JSON

    init(_ probe: inout Probe) {
        hostname = probe.string("/proc/sys/kernel/hostname", as: "hostname")
        architecture = Self.architecture(&probe)
        json = [
            "release": probe.string("/proc/sys/kernel/osrelease", as: "kernel.release"),
            "command_line": probe.string("/proc/cmdline", as: "kernel.command_line"),
        ]
    }

    /// The architecture, from the kernel's file since 6.1, else from the ELF header of a program.
    private static func architecture(_ probe: inout Probe) -> JSON {
        if let text = probe.optionalText("/proc/sys/kernel/arch") { return .string(text) }
        for path in ["/proc/1/exe", "/bin/sh", "/usr/bin/env"] {
            guard let head = try? head(of: path, probe), head.count > 19 else { continue }
            switch UInt16(head[18]) | UInt16(head[19]) << 8 {
            case 62: return "x86_64"
            case 183: return "aarch64"
            default: continue
            }
        }
        return probe.fail("architecture", "neither /proc/sys/kernel/arch nor a known ELF header")
    }

    private static func head(of path: String, _ probe: Probe) throws -> [UInt8] {
        var head: [UInt8] = []
        try probe.machine.read(path) { piece in
            if head.count < 64 { head += piece.prefix(64) }
        }
        return head
    }

    static func firstProcess(_ probe: inout Probe) -> JSON {
        if (try? probe.machine.status("/run/systemd/system", followLinks: false)) != nil {
            return "systemd"
        }
        return probe.string("/proc/1/comm", as: "init")
    }
}

/// The distribution, from os-release(5).
enum DistributionFacts {
    static func read(_ probe: inout Probe) -> JSON {
        let text =
            probe.optionalText("/etc/os-release")
            ?? probe.text("/usr/lib/os-release", as: "distribution")
        guard let text else { return .null }
        var values: [String: String] = [:]
        for line in text.filledLines where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            values[String(parts[0])] = unquoted(parts[1])
        }
        let id = values["ID"] ?? "linux"
        let like = [id] + (values["ID_LIKE"] ?? "").split(separator: " ").map(String.init)
        let family =
            like.contains("debian")
            ? "debian"
            : !Set(like).isDisjoint(with: ["rhel", "fedora", "centos"]) ? "rhel" : "other"
        return .compact([
            "id": .string(id), "version_id": .optional(values["VERSION_ID"]) ?? .null,
            "codename": .optional(values["VERSION_CODENAME"]) ?? .null, "family": .string(family),
        ])
    }

    private static func unquoted(_ text: Substring) -> String {
        for quote in ["\"", "'"]
        where text.hasPrefix(quote) && text.hasSuffix(quote) && text.count > 1 {
            return String(text.dropFirst().dropLast())
        }
        return String(text)
    }
}
