import FleetModel
import Glibc
import Linux
import SystemFaults

/// Network ports that OpenOnload's driver serves.
struct OnloadPort: Sendable, Equatable {
    var name: String
    /// The driver's version and the card's firmware, as the driver reports them.
    var driverVersion: String
    var firmware: String

    static let drivers: Set<String> = ["sfc", "sfc_ef100", "xilinx_efct"]

    /// The version of the firmware, without its variants; nil where it could not be read.
    var firmwareVersion: String? {
        guard let first = firmware.split(separator: " ").first, first != "N/A" else { return nil }
        return String(first)
    }

    /// The variant of the firmware, its words with rx and tx: `rx1 tx1`; nil where there is none.
    var variant: String? {
        let words = firmware.split(separator: " ").dropFirst().filter {
            $0.hasPrefix("rx") || $0.hasPrefix("tx")
        }
        return words.isEmpty ? nil : words.joined(separator: " ")
    }

    /// All ports of these drivers, in order of their names.
    static func all(on machine: any Machine) throws(AgentFault) -> [OnloadPort] {
        var ports: [OnloadPort] = []
        for name in try names(on: machine) {
            let info = try attempt("ask the driver of \(name)") { () throws(SystemError) in
                do throws(SystemError) {
                    return try machine.linkInfo(name)
                } catch {
                    // The port has gone, or the driver does not support the query.
                    if error.isNotFound || error.code == ENODEV || error.code == EOPNOTSUPP {
                        return LinkInfo(driver: "", version: "", firmware: "N/A")
                    }
                    throw error
                }
            }
            ports.append(
                OnloadPort(name: name, driverVersion: info.version, firmware: info.firmware))
        }
        return ports
    }

    /// The names of all these ports.
    static func names(on machine: any Machine) throws(AgentFault) -> [String] {
        try attempt("list /sys/class/net") { () throws(SystemError) in
            var names: [String] = []
            for name in try machine.listIfPresent("/sys/class/net") {
                let driver = try machine.linkTargetIfPresent(
                    "/sys/class/net/\(name)/device/driver")
                if let last = driver?.split(separator: "/").last, drivers.contains(String(last)) {
                    names.append(name)
                }
            }
            return names
        }
    }

    /// Whether a card that sfc supports has no driver.
    ///
    /// Only Solarflare's vendor ID is looked for: AMD's later cards have the one of Xilinx, which
    /// many other devices share.
    static func hasUnservedCard(on machine: any Machine) throws(AgentFault) -> Bool {
        try attempt("look for cards without a driver") { () throws(SystemError) in
            let root = "/sys/bus/pci/devices"
            for device in try machine.listIfPresent(root) {
                guard
                    let vendor = try machine.textIfPresent("\(root)/\(device)/vendor"),
                    vendor.trimmingSpaces() == "0x1924",
                    try machine.textIfPresent("\(root)/\(device)/class")?.hasPrefix("0x02") == true
                else { continue }
                if try machine.linkTargetIfPresent("\(root)/\(device)/driver") == nil {
                    return true
                }
            }
            return false
        }
    }
}
