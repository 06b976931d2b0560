/// Settings of a link that form one structure of numbers: rings, channels, coalescing, pause.
package struct LinkTable: Sendable {
    package struct Field: Sendable {
        /// The name in ethtool(8): `rx-usecs`.
        package let name: String
        let word: Int
        /// The index of the word with the maximum; nil if the driver does not report one.
        let maximumWord: Int?
        package let isFlag: Bool

        init(_ name: String, _ word: Int, maximum: Int? = nil, isFlag: Bool = false) {
            self.name = name
            self.word = word
            maximumWord = maximum
            self.isFlag = isFlag
        }
    }

    let get: LinkCommand
    let set: LinkCommand
    let words: Int
    package let fields: [Field]

    package func field(_ name: String) -> Field? { fields.first { $0.name == name } }

    /// `struct ethtool_ringparam`: the number of descriptors in each ring.
    package static let rings = LinkTable(
        get: .rings, set: .setRings, words: 9,
        fields: [
            Field("rx", 5, maximum: 1), Field("rx-mini", 6, maximum: 2),
            Field("rx-jumbo", 7, maximum: 3), Field("tx", 8, maximum: 4),
        ])

    /// `struct ethtool_channels`: queues, each with its own interrupt.
    package static let channels = LinkTable(
        get: .channels, set: .setChannels, words: 9,
        fields: [
            Field("rx", 5, maximum: 1), Field("tx", 6, maximum: 2), Field("other", 7, maximum: 3),
            Field("combined", 8, maximum: 4),
        ])

    /// `struct ethtool_pauseparam`.
    package static let pause = LinkTable(
        get: .pause, set: .setPause, words: 4,
        fields: [
            Field("autoneg", 1, isFlag: true), Field("rx", 2, isFlag: true),
            Field("tx", 3, isFlag: true),
        ])

    /// `struct ethtool_coalesce`: how long an interrupt may be delayed to cover more packets.
    package static let coalescing = LinkTable(
        get: .coalescing, set: .setCoalescing, words: 23,
        fields: [
            Field("rx-usecs", 1), Field("rx-frames", 2), Field("rx-usecs-irq", 3),
            Field("rx-frames-irq", 4), Field("tx-usecs", 5), Field("tx-frames", 6),
            Field("tx-usecs-irq", 7), Field("tx-frames-irq", 8), Field("stats-block-usecs", 9),
            Field("adaptive-rx", 10, isFlag: true), Field("adaptive-tx", 11, isFlag: true),
            Field("pkt-rate-low", 12), Field("rx-usecs-low", 13), Field("rx-frames-low", 14),
            Field("tx-usecs-low", 15), Field("tx-frames-low", 16), Field("pkt-rate-high", 17),
            Field("rx-usecs-high", 18), Field("rx-frames-high", 19), Field("tx-usecs-high", 20),
            Field("tx-frames-high", 21), Field("sample-interval", 22),
        ])
}

/// The values of one such structure, as the driver reported them.
package struct LinkValues: Sendable, Equatable {
    var message: LinkMessage

    package func value(_ field: LinkTable.Field) -> Int { Int(message[word: field.word]) }

    /// The maximum that the driver accepts; nil if it does not report one.
    package func maximum(_ field: LinkTable.Field) -> Int? {
        field.maximumWord.map { Int(message[word: $0]) }
    }
}

extension Machine {
    /// Reads a structure of settings.
    ///
    /// Throws EOPNOTSUPP if the driver does not have this structure.
    package func linkValues(
        _ interface: String, _ table: LinkTable
    ) throws(SystemError) -> LinkValues {
        LinkValues(
            message: try ethtool(interface, LinkMessage(table.get, size: 4 * table.words)))
    }

    /// Sets some numbers of a structure; the others keep their values.
    package func setLinkValues(
        _ interface: String, _ table: LinkTable, _ wanted: [(field: LinkTable.Field, value: Int)]
    ) throws(SystemError) {
        var message = try linkValues(interface, table).message
        message[word: 0] = table.set.rawValue
        for (field, value) in wanted { message[word: field.word] = UInt32(clamping: value) }
        _ = try ethtool(interface, message)
    }
}
