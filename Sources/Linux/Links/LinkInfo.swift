/// What the driver of a network interface says of itself and its card.
package struct LinkInfo: Sendable, Equatable {
    package var driver: String
    /// The driver's version; the kernel's for one of its own.
    package var version: String
    /// The card's firmware, as the driver words it; empty where it does not say.
    package var firmware: String
    /// The address the card was made with; nil where it has none.
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
    /// What the driver of an interface says of itself and its card (ETHTOOL_GDRVINFO, ETHTOOL_GPERMADDR).
    package func linkInfo(_ interface: String) throws(SystemError) -> LinkInfo {
        let driver = try ethtool(interface, LinkMessage(.driver, size: 196))
        var question = LinkMessage(.permanentAddress, size: 40)
        question[word: 1] = 32
        // A driver that keeps none refuses, or gives zeros.
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

    /// Hands a message to the driver of an interface; its answer.
    package func ethtool(
        _ interface: String, _ message: LinkMessage
    ) throws(SystemError) -> LinkMessage {
        LinkMessage(bytes: try askLink(interface, .ethtool, message.bytes))
    }
}
