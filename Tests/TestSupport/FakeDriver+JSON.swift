import Linux
import Wire

/// How fixtures write a driver:
///
///     {"driver": "sfc", "version": "6.4.0.1003", "firmware": "8.1.2.1000 rx1 tx1", "permanent_mac": "00:0f:…", "rings": [words], "channels": [words],
///      "pause": [words], "coalescing": [words], "features": {"rx-gro": "on", "highdma": "on fixed"},
///      "flags": {"name": true}, "rss": {"rings": 8, "size": 128, "equal": 8}, "rules": [],
///      "timestamps": [transmit, receive], "stubborn": ["feature"], "refuses": {"setRings": 16}}
///
/// Words are those of linux/ethtool.h without the command; null for what the driver has not.
extension FakeDriver {
    package convenience init(_ json: JSON) throws {
        self.init()
        info.driver = json["driver"]?.string ?? info.driver
        info.version = json["version"]?.string ?? info.version
        info.firmware = json["firmware"]?.string ?? info.firmware
        info.permanentAddress = json["permanent_mac"]?.string
        let tables: [(String, LinkCommand)] = [
            ("rings", .rings), ("channels", .channels), ("pause", .pause),
            ("coalescing", .coalescing),
        ]
        for (name, command) in tables {
            guard let value = json[name] else { continue }
            let numbers = (value.array ?? []).compactMap(\.integer).map { UInt32($0) }
            words[command] =
                value == .null
                ? nil
                : numbers + (words[command] ?? []).dropFirst(numbers.count).map { _ in UInt32(0) }
        }
        if let members = json["features"]?.object {
            features = members.sorted { $0.key < $1.key }.map { name, value in
                let words = (value.string ?? "").split(separator: " ")
                return LinkFeature(
                    name, isOn: words.first == "on", isRequested: words.first == "on",
                    isChangeable: !words.contains("fixed"))
            }
        }
        if let members = json["flags"]?.object {
            flags = members.sorted { $0.key < $1.key }.map { ($0.key, $0.value.bool ?? false) }
        }
        if let value = json["rss"] {
            let rings = value["rings"]?.integer ?? 8
            hashing =
                value == .null
                ? nil
                : LinkHashing(
                    table: (0..<(value["size"]?.integer ?? 128)).map {
                        $0 % (value["equal"]?.integer ?? rings)
                    }, key: [UInt8](repeating: 7, count: 40), rings: rings)
        }
        if json["rules"] == .null { rules = nil }
        if let value = json["timestamps"] {
            let numbers = (value.array ?? []).compactMap(\.integer)
            timestamps =
                numbers.count == 2 ? LinkTimestamps(transmit: numbers[0], receive: numbers[1]) : nil
        }
        stubborn = Set((json["stubborn"]?.array ?? []).compactMap(\.string))
        for (name, code) in json["refuses"]?.object ?? [:] {
            guard let command = Self.named[name] else { continue }
            refusals[command] = Int32(code.integer ?? 0)
        }
    }

    private static let named: [String: LinkCommand] = [
        "setRings": .setRings, "setChannels": .setChannels, "setCoalescing": .setCoalescing,
        "setPause": .setPause, "setFeatures": .setFeatures, "setHashing": .setHashing,
        "insertRule": .insertRule, "setPrivateFlags": .setPrivateFlags,
    ]

    /// What tests look at afterwards.
    package var json: JSON {
        func numbers(_ command: LinkCommand) -> JSON {
            .array((words[command] ?? []).map { .integer(Int($0)) })
        }
        return [
            "rings": numbers(.rings), "channels": numbers(.channels), "pause": numbers(.pause),
            "coalescing": numbers(.coalescing),
            "features": .object(
                Dictionary(
                    features.map { ($0.name, .string($0.isOn ? "on" : "off")) },
                    uniquingKeysWith: { $1 })),
            "flags": .object(
                Dictionary(flags.map { ($0.name, .bool($0.isOn)) }, uniquingKeysWith: { $1 })),
            "rss_table": .array((hashing?.table ?? []).prefix(8).map { .integer($0) }),
            "rules": .integer(rules?.count ?? 0),
            "timestamps": .array([
                .integer(timestamps?.transmit ?? -1), .integer(timestamps?.receive ?? -1),
            ]),
            "sets": .strings(sets.map { "\($0)" }),
        ]
    }
}
