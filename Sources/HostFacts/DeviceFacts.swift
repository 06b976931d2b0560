import Linux
import Wire

/// Network interfaces that stand for hardware.
enum InterfaceFacts {
    static func read(_ probe: inout Probe) -> JSON {
        let root = "/sys/class/net"
        guard let names = try? probe.machine.list(root) else {
            return probe.fail("nics", "\(root) cannot be listed")
        }
        var interfaces: [String: JSON] = [:]
        for name in names {
            // Bridges, bonds, tunnels and the like have no device behind them.
            guard let device = try? probe.machine.linkTarget("\(root)/\(name)/device") else {
                continue
            }
            let path = "nics.\(name)"
            let node = probe.integer("\(root)/\(name)/device/numa_node", as: "\(path).numa_node")
            interfaces[name] = [
                "pci": .string(PathName.last(of: device)),
                "mac": probe.string("\(root)/\(name)/address", as: "\(path).mac"),
                "mtu": probe.integer("\(root)/\(name)/mtu", as: "\(path).mtu"),
                "driver": (try? probe.machine.linkTarget("\(root)/\(name)/device/driver"))
                    .map { .string(PathName.last(of: $0)) }
                    ?? probe.fail("\(path).driver", "no driver is bound"),
                // -1 is the kernel's word for not knowing.
                "numa_node": node.integer == -1
                    ? probe.fail("\(path).numa_node", "the firmware does not tell") : node,
            ]
        }
        return .object(interfaces)
    }
}

/// What the firmware says of the machine.
enum FirmwareFacts {
    private static let root = "/sys/class/dmi/id"
    private static let names = [
        "sys_vendor", "product_name", "board_vendor", "board_name", "bios_vendor", "bios_version",
        "bios_date",
    ]

    static func read(_ probe: inout Probe) -> JSON {
        guard (try? probe.machine.list(root)) != nil else {
            return probe.fail("dmi", "\(root) is not there")
        }
        var values: [String: JSON] = [:]
        for name in names { values[name] = probe.string("\(root)/\(name)", as: "dmi.\(name)") }
        return .object(values)
    }

    /// A container by process 1's environment or systemd's note, a virtual machine by DMI and the CPU.
    static func virtualization(_ probe: inout Probe) -> JSON {
        if let text = probe.optionalText("/run/systemd/container"), !text.isEmpty {
            return .string(text)
        }
        let vendor = probe.optionalText("\(root)/sys_vendor") ?? ""
        let product = probe.optionalText("\(root)/product_name") ?? ""
        let known = [
            ("QEMU", "qemu"), ("KVM", "kvm"), ("VMware", "vmware"), ("VirtualBox", "virtualbox"),
            ("Xen", "xen"), ("Amazon EC2", "amazon"), ("Virtual Machine", "microsoft"),
        ]
        for (mark, name) in known where vendor.contains(mark) || product.contains(mark) {
            return .string(name)
        }
        let flags = probe.optionalText("/proc/cpuinfo", limit: 16 << 20) ?? ""
        return flags.contains(" hypervisor") ? "unknown hypervisor" : "none"
    }
}
