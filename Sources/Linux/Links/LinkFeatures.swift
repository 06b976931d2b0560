/// One feature of a driver that can be on or off.
package struct LinkFeature: Sendable, Equatable {
    /// The kernel's name: `rx-gro`, `tx-tcp-segmentation`.
    package var name: String
    package var isOn: Bool
    /// What was asked for; the driver may have refused.
    package var isRequested: Bool
    /// Whether it can be switched at all: false is `[fixed]` of ethtool(8).
    package var isChangeable: Bool

    package init(_ name: String, isOn: Bool, isRequested: Bool, isChangeable: Bool) {
        self.name = name
        self.isOn = isOn
        self.isRequested = isRequested
        self.isChangeable = isChangeable
    }
}

extension Machine {
    /// The state of the features of an interface, in the kernel's order (ETHTOOL_GFEATURES).
    package func linkFeatures(_ interface: String) throws(SystemError) -> [LinkFeature] {
        let names = try linkStrings(interface, .features)
        let blocks = (names.count + 31) / 32
        var question = LinkMessage(.features, size: 8 + 16 * blocks)
        question[word: 1] = UInt32(blocks)
        let answer = try ethtool(interface, question)
        return names.enumerated().compactMap { index, name in
            // Each block holds four words: available, requested, active, never changed.
            let block = 2 + 4 * (index / 32)
            func has(_ word: Int) -> Bool { answer[word: block + word] & 1 << (index % 32) != 0 }
            return name.isEmpty
                ? nil
                : LinkFeature(
                    name, isOn: has(2), isRequested: has(1), isChangeable: has(0) && !has(3))
        }
    }

    /// Switches features on or off; reading them again shows what the driver or the kernel did not
    /// accept.
    package func setLinkFeatures(
        _ interface: String, _ wanted: [String: Bool]
    ) throws(SystemError) {
        let names = try linkStrings(interface, .features)
        let blocks = (names.count + 31) / 32
        var message = LinkMessage(.setFeatures, size: 8 + 8 * blocks)
        message[word: 1] = UInt32(blocks)
        for (index, name) in names.enumerated() {
            guard let isOn = wanted[name] else { continue }
            message[word: 2 + 2 * (index / 32)] |= 1 << (index % 32)
            if isOn { message[word: 3 + 2 * (index / 32)] |= 1 << (index % 32) }
        }
        _ = try ethtool(interface, message)
    }

    /// The driver's private flags, in its order (ETHTOOL_GPFLAGS).
    ///
    /// Empty if the driver has none.
    package func linkFlags(
        _ interface: String
    ) throws(SystemError) -> [(name: String, isOn: Bool)] {
        let names = try linkStrings(interface, .privateFlags)
        if names.isEmpty { return [] }
        let answer = try ethtool(interface, LinkMessage(.privateFlags, size: 8))
        return names.enumerated().map { index, name in
            (name, index < 32 && answer[word: 1] & 1 << index != 0)
        }
    }

    /// Switches private flags of the driver; other flags keep their state.
    package func setLinkFlags(_ interface: String, _ wanted: [String: Bool]) throws(SystemError) {
        let names = try linkStrings(interface, .privateFlags)
        var message = try ethtool(interface, LinkMessage(.privateFlags, size: 8))
        message[word: 0] = LinkCommand.setPrivateFlags.rawValue
        for (index, name) in names.prefix(32).enumerated() {
            guard let isOn = wanted[name] else { continue }
            message[word: 1] = message[word: 1] & ~(1 << index) | (isOn ? 1 << index : 0)
        }
        _ = try ethtool(interface, message)
    }

    /// The names in one of the driver's string sets; empty if the driver does not have the set
    /// (ETHTOOL_GSTRINGS).
    private func linkStrings(
        _ interface: String, _ set: LinkStrings
    ) throws(SystemError) -> [String] {
        var question = LinkMessage(.stringCounts, size: 24)
        question[at: 8] = UInt64(1) << set.rawValue
        let counts: LinkMessage
        do {
            counts = try ethtool(interface, question)
        } catch {
            if error.isUnsupported { return [] }
            throw error
        }
        // The driver clears the bit of a set it does not have.
        let known: UInt64 = counts[at: 8]
        let count = Int(counts[word: 4])
        if known == 0 || count == 0 { return [] }
        var message = LinkMessage(.strings, size: 12 + 32 * count)
        message[word: 1] = set.rawValue
        message[word: 2] = UInt32(count)
        let answer = try ethtool(interface, message)
        return (0..<count).map { answer.text(at: 12 + 32 * $0, size: 32) }
    }
}

/// String sets of a driver (enum ethtool_stringset).
package enum LinkStrings: UInt32, Sendable {
    case privateFlags = 2
    case features = 4
}
