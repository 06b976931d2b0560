import Glibc
import Kinds
import Linux
import Wire

/// Network interfaces that have a device.
enum InterfaceFacts {
    static func read(_ probe: inout Probe) -> JSON {
        let root = "/sys/class/net"
        guard let names = try? probe.machine.list(root) else {
            return probe.fail("nics", "\(root) cannot be listed")
        }
        var interfaces: [String: JSON] = [:]
        for name in names {
            guard let device = device(of: name, probe) else { continue }
            let path = "nics.\(name)"
            let node = probe.integer("\(device.folder)/numa_node", as: "\(path).numa_node")
            let local = probe.optionalText("\(device.folder)/local_cpulist")
                .flatMap { CPUList(kernelText: $0) }
            let link = driverFacts(name, path, &probe)
            interfaces[name] = [
                "permanent_mac": link.address, "driver_version": link.version,
                "firmware": link.firmware,
                "vendor": identifier(probe, "\(device.folder)/vendor"),
                "device": identifier(probe, "\(device.folder)/device"),
                "pci": .string(device.address),
                "local_cpus": local.map { .string($0.text) } ?? .null,
                "mac": probe.string("\(root)/\(name)/address", as: "\(path).mac"),
                "mtu": probe.integer("\(root)/\(name)/mtu", as: "\(path).mtu"),
                "driver": (try? probe.machine.linkTarget("\(root)/\(name)/device/driver"))
                    .map { .string(PathName.last(of: $0)) }
                    ?? probe.fail("\(path).driver", "no driver is bound"),
                // -1 means that the kernel does not know the node.
                "numa_node": node.integer == -1
                    ? probe.fail("\(path).numa_node", "the firmware does not report it") : node,
            ]
        }
        return .object(interfaces)
    }

    /// The directory of the bus device behind an interface, and its address.
    ///
    /// nil where there is no device, as for bridges, bonds and tunnels. A virtio card is a device
    /// on a device: node, CPUs and interrupts are those of the PCI function.
    static func device(of name: String, _ probe: Probe) -> (folder: String, address: String)? {
        let root = "/sys/class/net"
        guard let device = try? probe.machine.linkTarget("\(root)/\(name)/device") else {
            return nil
        }
        let own = PathName.last(of: device)
        let folder = "\(root)/\(name)/device"
        if isPCIAddress(own) { return (folder, own) }
        // The target of the interface's own link names the devices below it.
        let place = (try? probe.machine.linkTarget("\(root)/\(name)")) ?? ""
        let parents = place.split(separator: "/").map(String.init).prefix { $0 != own }
        if let last = parents.last, isPCIAddress(last) { return ("\(folder)/..", last) }
        return (folder, own)
    }

    /// `0000:41:00.0`: domain, bus, device and function.
    private static func isPCIAddress(_ text: String) -> Bool {
        let parts = text.split(whereSeparator: { $0 == ":" || $0 == "." })
        return text.count { $0 == ":" } == 2 && parts.count == 4
            && parts.allSatisfy { Int($0, radix: 16) != nil }
    }

    /// What the driver reports; null, with a note, where it cannot be asked, as in a copy.
    private static func driverFacts(
        _ name: String, _ path: String, _ probe: inout Probe
    ) -> (address: JSON, version: JSON, firmware: JSON) {
        do throws(SystemError) {
            let info = try probe.machine.linkInfo(name)
            return (
                .optional(info.permanentAddress) ?? .null, .string(info.version),
                info.firmware.isEmpty
                    ? probe.fail("\(path).firmware", "the driver does not report it")
                    : .string(info.firmware)
            )
        } catch {
            let reason =
                error.code == ENOSYS ? "a copy has no driver to ask" : error.reason
            for fact in ["permanent_mac", "driver_version", "firmware"] {
                _ = probe.fail("\(path).\(fact)", reason)
            }
            return (.null, .null, .null)
        }
    }

    /// A PCI identifier, `0x8086`; null for a device of another bus.
    private static func identifier(_ probe: Probe, _ file: String) -> JSON {
        .optional(probe.optionalText(file)) ?? .null
    }

    /// The properties of interfaces that change while the host runs.
    static func live(_ probe: inout Probe) -> JSON {
        let root = "/sys/class/net"
        guard let names = try? probe.machine.list(root) else {
            return probe.fail("links", "\(root) cannot be listed")
        }
        var links: [String: JSON] = [:]
        for name in names {
            let folder = "\(root)/\(name)"
            links[name] = [
                "operstate": probe.string("\(folder)/operstate", as: "links.\(name).operstate"),
                "speed_mbit": speed(probe, folder), "rx_queues": queues(probe, folder, "rx-"),
                "tx_queues": queues(probe, folder, "tx-"),
                "pcie_speed": pcie(name, "current_link_speed", probe),
                "pcie_width": pcie(name, "current_link_width", probe),
            ]
        }
        return .object(links)
    }

    /// The speed; null where there is no link, or the driver does not report it.
    private static func speed(_ probe: Probe, _ interface: String) -> JSON {
        guard let text = probe.optionalText("\(interface)/speed"), let speed = Int(text), speed > 0
        else { return .null }
        return .integer(speed)
    }

    /// The negotiated PCIe speed, `8.0 GT/s PCIe`, or the lanes; null where there is no PCIe link.
    private static func pcie(_ name: String, _ file: String, _ probe: Probe) -> JSON {
        guard let device = device(of: name, probe),
            let text = probe.optionalText("\(device.folder)/\(file)"), text != "Unknown",
            text != "0"
        else { return .null }
        return Int(text).map { .integer($0) } ?? .string(text)
    }

    private static func queues(_ probe: Probe, _ interface: String, _ prefix: String) -> JSON {
        let names = (try? probe.machine.list("\(interface)/queues")) ?? []
        return .integer(names.count { $0.hasPrefix(prefix) })
    }
}

/// Hardware clocks of network cards, for the Precision Time Protocol.
enum ClockFacts {
    static func read(_ probe: inout Probe) -> JSON {
        let root = "/sys/class/ptp"
        var clocks: [String: JSON] = [:]
        // Without the class there are no such clocks.
        for name in (try? probe.machine.list(root)) ?? [] {
            let device = try? probe.machine.linkTarget("\(root)/\(name)/device")
            clocks[name] = [
                "name": probe.string("\(root)/\(name)/clock_name", as: "ptp.\(name).name"),
                "pci": .optional(device.map { PathName.last(of: $0) }) ?? .null,
            ]
        }
        return .object(clocks)
    }

    /// The clock source; the kernel switches to another one when it finds it unstable.
    static func live(_ probe: inout Probe) -> JSON {
        let root = "/sys/devices/system/clocksource/clocksource0"
        let others = probe.optionalText("\(root)/available_clocksource") ?? ""
        return [
            "source": probe.string("\(root)/current_clocksource", as: "clock.source"),
            "sources": .strings(others.split(separator: " ").map(String.init)),
        ]
    }
}

/// What the firmware reports about the machine.
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

    /// Finds a container by systemd's file in /run, a virtual machine by DMI or the CPU flags.
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
        for (mark, name) in known where vendor.contains(text: mark) || product.contains(text: mark)
        {
            return .string(name)
        }
        let flags = probe.optionalText("/proc/cpuinfo", limit: 16 << 20) ?? ""
        return flags.contains(text: " hypervisor") ? "unknown hypervisor" : "none"
    }
}
