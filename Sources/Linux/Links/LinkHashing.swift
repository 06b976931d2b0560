/// How received packets are distributed over the rings of a card (RSS).
package struct LinkHashing: Sendable, Equatable {
    /// The ring of each hash value, by the value's low bits.
    package var table: [Int]
    /// The hash key; empty if the driver does not report it.
    package var key: [UInt8]
    /// The number of rings to distribute over.
    package var rings: Int

    package init(table: [Int], key: [UInt8], rings: Int) {
        self.table = table
        self.key = key
        self.rings = rings
    }
}

/// The size of `struct ethtool_rxfh` before table and key: six words.
private let head = 24

extension Machine {
    /// Reads the RSS table and key (ETHTOOL_GRSSH).
    ///
    /// Throws EOPNOTSUPP if the driver has none.
    package func linkHashing(_ interface: String) throws(SystemError) -> LinkHashing {
        let sizes = try ethtool(interface, LinkMessage(.hashing, size: head))
        let entries = Int(sizes[word: 2])
        let keySize = Int(sizes[word: 3])
        var question = LinkMessage(.hashing, size: head + 4 * entries + keySize)
        question[word: 2] = sizes[word: 2]
        question[word: 3] = sizes[word: 3]
        let answer = try ethtool(interface, question)
        let rings = try ethtool(interface, LinkMessage(.receiveRings, size: 192))
        return LinkHashing(
            table: (0..<entries).map { Int(answer[word: head / 4 + $0]) },
            key: Array(answer.bytes.dropFirst(head + 4 * entries)),
            rings: Int(clamping: rings[at: 8] as UInt64))
    }

    /// Sets table, key or both; what is nil stays as it is (ETHTOOL_SRSSH).
    package func setLinkHashing(
        _ interface: String, table: [Int]?, key: [UInt8]?
    ) throws(SystemError) {
        let count = table?.count ?? 0
        var message = LinkMessage(.setHashing, size: head + 4 * count + (key?.count ?? 0))
        // All ones means no change; zero would restore the driver's default table.
        message[word: 2] = table == nil ? .max : UInt32(count)
        message[word: 3] = UInt32(key?.count ?? 0)
        for (place, ring) in (table ?? []).enumerated() {
            message[word: head / 4 + place] = UInt32(clamping: ring)
        }
        for (place, byte) in (key ?? []).enumerated() {
            message[at: head + 4 * count + place] = byte
        }
        _ = try ethtool(interface, message)
    }
}
