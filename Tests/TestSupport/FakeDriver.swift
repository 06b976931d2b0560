import Glibc
import Linux

/// A network driver as ethtool's interface shows it, by the kernel's own structures.
package final class FakeDriver {
    package var info = LinkInfo(
        driver: "sfc", version: "6.4.0.1003", firmware: "8.6.0.1011 rx1 tx1")
    /// Structures of numbers, without their command: as linux/ethtool.h lays them out.
    package var words: [LinkCommand: [UInt32]] = [
        .rings: [4096, 0, 0, 4096, 512, 0, 0, 512],
        .channels: [0, 0, 0, 8, 0, 0, 0, 8],
        .pause: [1, 1, 1],
        .coalescing: [60, 0, 0, 0, 150, 0, 0, 0, 1_000_000, 1] + [UInt32](repeating: 0, count: 12),
    ]
    package var features = [
        LinkFeature("rx-gro", isOn: true, isRequested: true, isChangeable: true),
        LinkFeature("rx-lro", isOn: false, isRequested: false, isChangeable: true),
        LinkFeature("tx-tcp-segmentation", isOn: true, isRequested: true, isChangeable: true),
        LinkFeature("tx-tcp6-segmentation", isOn: true, isRequested: true, isChangeable: true),
        LinkFeature("highdma", isOn: true, isRequested: true, isChangeable: false),
    ]
    package var flags: [(name: String, isOn: Bool)] = [("phy-power-follows-link", false)]
    package var hashing: LinkHashing? = LinkHashing(
        table: (0..<128).map { $0 % 8 }, key: [UInt8](repeating: 7, count: 40), rings: 8)
    /// By place; raw structures, as they were put in.
    ///
    /// Nil where it takes none.
    package var rules: [UInt32: [UInt8]]? = [:]
    package var timestamps: LinkTimestamps? = LinkTimestamps(transmit: 0, receive: 0)
    /// What is refused, and with which error.
    package var refusals: [LinkCommand: Int32] = [:]
    /// What was set, in order.
    package private(set) var sets: [LinkCommand] = []

    package init() {}

    static func isWrite(_ request: LinkRequest, _ message: [UInt8]) -> Bool {
        if request != .ethtool { return request == .setTimestamps }
        switch LinkCommand(rawValue: LinkMessage(bytes: message)[word: 0]) {
        case .setCoalescing, .setRings, .setPause, .setPrivateFlags, .deleteRule, .insertRule,
            .setFeatures, .setChannels, .setHashing:
            return true
        default: return false
        }
    }

    func answer(
        _ interface: String, _ request: LinkRequest, _ bytes: [UInt8]
    ) throws(SystemError) -> [UInt8] {
        func refuse(_ code: Int32) -> SystemError {
            SystemError(call: "ioctl", object: interface, code: code)
        }
        var message = LinkMessage(bytes: bytes)
        if request != .ethtool {
            guard timestamps != nil else { throw refuse(EOPNOTSUPP) }
            if request == .setTimestamps {
                timestamps = LinkTimestamps(
                    transmit: Int(message[word: 1]), receive: Int(message[word: 2]))
            }
            message[word: 1] = UInt32(timestamps?.transmit ?? 0)
            message[word: 2] = UInt32(timestamps?.receive ?? 0)
            return message.bytes
        }
        guard let command = LinkCommand(rawValue: message[word: 0]) else {
            throw refuse(EOPNOTSUPP)
        }
        if let code = refusals[command] { throw refuse(code) }
        if Self.isWrite(request, bytes) { sets.append(command) }
        switch command {
        case .driver:
            message.set(info.driver, at: 4, size: 32)
            message.set(info.version, at: 36, size: 32)
            message.set(info.firmware, at: 68, size: 32)
        case .permanentAddress:
            let address = (info.permanentAddress ?? "").split(separator: ":").compactMap {
                UInt8($0, radix: 16)
            }
            message[word: 1] = UInt32(address.count)
            for (place, byte) in address.enumerated() { message[at: 8 + place] = byte }
        case .rings, .channels, .pause, .coalescing:
            guard let state = words[command] else { throw refuse(EOPNOTSUPP) }
            for (place, word) in state.enumerated() { message[word: place + 1] = word }
        case .setRings: try set(.rings, message, refuse)
        case .setChannels: try set(.channels, message, refuse)
        case .setPause: try set(.pause, message, refuse)
        case .setCoalescing: try set(.coalescing, message, refuse)
        case .stringCounts:
            let mask: UInt64 = message[at: 8]
            let count =
                mask == 1 << UInt64(LinkStrings.features.rawValue) ? features.count : flags.count
            if count == 0 { message[at: 8] = UInt64(0) } else { message[word: 4] = UInt32(count) }
        case .strings:
            let names =
                message[word: 1] == LinkStrings.features.rawValue
                ? features.map(\.name) : flags.map(\.name)
            for (place, name) in names.enumerated() {
                message.set(name, at: 12 + 32 * place, size: 32)
            }
        case .features:
            for (place, feature) in features.enumerated() {
                let bit: UInt32 = 1 << place
                if feature.isChangeable { message[word: 2] |= bit }
                if feature.isRequested { message[word: 3] |= bit }
                if feature.isOn { message[word: 4] |= bit }
                if !feature.isChangeable { message[word: 5] |= bit }
            }
        case .setFeatures:
            for place in features.indices where message[word: 2] & 1 << place != 0 {
                features[place].isRequested = message[word: 3] & 1 << place != 0
                if !stubborn.contains(features[place].name) {
                    features[place].isOn = features[place].isRequested
                }
            }
        case .privateFlags:
            for (place, flag) in flags.enumerated() where flag.isOn {
                message[word: 1] |= 1 << place
            }
        case .setPrivateFlags:
            for place in flags.indices { flags[place].isOn = message[word: 1] & 1 << place != 0 }
        case .hashing:
            guard let hashing else { throw refuse(EOPNOTSUPP) }
            if message[word: 2] == 0 {
                message[word: 2] = UInt32(hashing.table.count)
                message[word: 3] = UInt32(hashing.key.count)
            } else {
                for (place, ring) in hashing.table.enumerated() {
                    message[word: 6 + place] = UInt32(ring)
                }
                for (place, byte) in hashing.key.enumerated() {
                    message[at: 24 + 4 * hashing.table.count + place] = byte
                }
            }
        case .setHashing:
            guard var new = hashing else { throw refuse(EOPNOTSUPP) }
            var start = 24
            if message[word: 2] != .max {
                let count = Int(message[word: 2])
                guard count == new.table.count else { throw refuse(EINVAL) }
                new.table = (0..<count).map { Int(message[word: 6 + $0]) }
                if new.table.contains(where: { $0 >= new.rings }) { throw refuse(EINVAL) }
                start += 4 * count
            }
            if message[word: 3] > 0 { new.key = Array(message.bytes.dropFirst(start)) }
            hashing = new
        case .receiveRings: message[at: 8] = UInt64(hashing?.rings ?? 0)
        case .ruleCount:
            guard let rules else { throw refuse(EOPNOTSUPP) }
            message[at: 184] = UInt32(rules.count)
        case .ruleList:
            message[at: 8] = UInt64(64)
            for (place, location) in (rules ?? [:]).keys.sorted().enumerated() {
                message[at: 188 + 4 * place] = location
            }
        case .rule:
            guard let rule = rules?[message[at: 176]] else { throw refuse(ENOENT) }
            return rule
        case .insertRule: rules?[message[at: 176]] = bytes
        case .deleteRule:
            guard rules?.removeValue(forKey: message[at: 176]) != nil else { throw refuse(ENOENT) }
        case .timestampingAbilities: throw refuse(EOPNOTSUPP)
        }
        return message.bytes
    }

    /// Features whose request is taken and not followed.
    package var stubborn: Set<String> = []

    /// A driver takes what is within its maxima.
    private func set(
        _ command: LinkCommand, _ message: LinkMessage, _ refuse: (Int32) -> SystemError
    ) throws(SystemError) {
        guard let old = words[command] else { throw refuse(EOPNOTSUPP) }
        let new = old.indices.map { message[word: $0 + 1] }
        if command == .rings || command == .channels {
            for place in 0..<4 where new[4 + place] > new[place] { throw refuse(EINVAL) }
        }
        words[command] = new
        // New queues are spread over anew, and what named old ones is gone.
        if command == .channels {
            hashing?.rings = Int(new[7])
            hashing?.table = (0..<128).map { $0 % max(1, Int(new[7])) }
            rules = rules.map { _ in [:] }
        }
    }
}
