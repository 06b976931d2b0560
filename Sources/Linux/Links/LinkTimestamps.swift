/// Which packets a card timestamps with its own clock.
package struct LinkTimestamps: Sendable, Equatable {
    /// Filters of received packets by number (linux/net_tstamp.h): `HWTSTAMP_FILTER_…` in small letters.
    package static let filters = [
        "none", "all", "some", "ptpv1_l4_event", "ptpv1_l4_sync", "ptpv1_l4_delay_req",
        "ptpv2_l4_event", "ptpv2_l4_sync", "ptpv2_l4_delay_req", "ptpv2_l2_event", "ptpv2_l2_sync",
        "ptpv2_l2_delay_req", "ptpv2_event", "ptpv2_sync", "ptpv2_delay_req", "ntp_all",
    ]
    /// Modes of timestamping sent packets, by number.
    package static let transmits = ["off", "on", "onestep_sync", "onestep_p2p"]

    package var transmit: Int
    package var receive: Int

    package init(transmit: Int, receive: Int) {
        self.transmit = transmit
        self.receive = receive
    }
}

extension Machine {
    /// Which packets the card timestamps now (SIOCGHWTSTAMP).
    ///
    /// Throws EOPNOTSUPP if the card does not timestamp.
    package func linkTimestamps(_ interface: String) throws(SystemError) -> LinkTimestamps {
        let bytes = try askLink(
            interface, .timestamps, [UInt8](repeating: 0, count: 12))
        let answer = LinkMessage(bytes: bytes)
        return LinkTimestamps(
            transmit: Int(answer[word: 1]), receive: Int(answer[word: 2]))
    }

    /// Sets what the card timestamps (SIOCSHWTSTAMP); it may choose a filter that covers more
    /// packets.
    package func setLinkTimestamps(
        _ interface: String, _ wanted: LinkTimestamps
    ) throws(SystemError) {
        var message = LinkMessage(bytes: [UInt8](repeating: 0, count: 12))
        message[word: 1] = UInt32(clamping: wanted.transmit)
        message[word: 2] = UInt32(clamping: wanted.receive)
        _ = try askLink(interface, .setTimestamps, message.bytes)
    }
}
