/// What the driver of a network interface reports about itself and its card.
package struct LinkInfo: Sendable, Equatable {
    package var driver: String
    /// The driver's version; for a driver of the kernel tree, the kernel's version.
    package var version: String
    /// The card's firmware version in the driver's format; empty if the driver does not report it.
    package var firmware: String
    /// The permanent hardware address of the card; nil if it has none.
    package var permanentAddress: String?

    package init(
        driver: String, version: String, firmware: String, permanentAddress: String? = nil
    ) {
        self.driver = driver
        self.version = version
        self.firmware = firmware
        self.permanentAddress = permanentAddress
    }
}

extension Machine {
    /// What the driver of an interface reports about itself and its card (ETHTOOL_GDRVINFO,
    /// ETHTOOL_GPERMADDR).
    package func linkInfo(_ interface: String) throws(SystemError) -> LinkInfo {
        let driver = try ethtool(interface, LinkMessage(.driver, size: 196))
        var question = LinkMessage(.permanentAddress, size: 40)
        question[word: 1] = 32
        // A driver without a permanent address refuses, or returns zeros.
        var address: ArraySlice<UInt8> = []
        do {
            let answer = try ethtool(interface, question)
            address = answer.bytes.dropFirst(8).prefix(Int(answer[word: 1]))
        } catch {
            if !error.isUnsupported { throw error }
        }
        return LinkInfo(
            driver: driver.text(at: 4, size: 32), version: driver.text(at: 36, size: 32),
            firmware: driver.text(at: 68, size: 32),
            permanentAddress: address.contains { $0 != 0 }
                ? address.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
                    .joined(separator: ":") : nil)
    }

    /// Passes a message to the driver of an interface and returns the answer.
    package func ethtool(
        _ interface: String, _ message: LinkMessage
    ) throws(SystemError) -> LinkMessage {
        LinkMessage(bytes: try askLink(interface, .ethtool, message.bytes))
    }
}
