/// The limits that keep a bad change from reaching the whole fleet.
package struct Brakes: Sendable, Equatable {
    package enum Size: Sendable, Equatable {
        case hosts(Int)
        case percent(Int)

        /// The text that ``Brakes/size(_:)`` reads.
        package var text: String {
            switch self {
            case .hosts(let count): "\(count)"
            case .percent(let percent): "\(percent)%"
            }
        }
    }

    /// This many hosts go first, on their own; the others follow only if all of these succeeded.
    package var canary: Int
    /// The other hosts go in batches of this size; each begins when the one before has ended.
    package var batch: Size?
    /// No more hosts are started once more than this many failed or were unreachable.
    package var maxFailed: Int?

    package init(canary: Int = 0, batch: Size? = nil, maxFailed: Int? = nil) {
        self.canary = canary
        self.batch = batch
        self.maxFailed = maxFailed
    }

    /// Reads `20` or `25%`; nil for anything else.
    ///
    /// The size is at least one host and at most all hosts.
    package static func size(_ text: String) -> Size? {
        if text.hasSuffix("%") {
            guard let percent = Int(text.dropLast()), (1...100).contains(percent) else {
                return nil
            }
            return .percent(percent)
        }
        guard let count = Int(text), count > 0 else { return nil }
        return .hosts(count)
    }

    /// The hosts in stages, in order.
    ///
    /// A percentage is of all hosts and rounds down, to at least 1.
    package func stages(of hosts: [String]) -> [ArraySlice<String>] {
        var stages: [ArraySlice<String>] = []
        var rest = hosts[...]
        if canary > 0, canary < hosts.count {
            stages.append(rest.prefix(canary))
            rest = rest.dropFirst(canary)
        }
        let size =
            switch batch {
            case nil: max(1, rest.count)
            case .hosts(let count): count
            case .percent(let percent): max(1, hosts.count * percent / 100)
            }
        while !rest.isEmpty {
            stages.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return stages
    }

    /// Why a stage's bad hosts prevent the next stage, or nil: any bad host in the canary stage
    /// does.
    package func forbidsNext(stage: Int, badInStage: Int, badInAll: Int, of hosts: Int) -> String? {
        if canary > 0, canary < hosts, stage == 0, badInStage > 0 {
            return "\(badInStage) of \(canary) canary hosts did not come out well"
        }
        return forbidsHost(bad: badInAll)
    }

    /// Why this many bad hosts prevent starting another host, or nil.
    package func forbidsHost(bad: Int) -> String? {
        guard let maxFailed, bad > maxFailed else { return nil }
        return "\(bad) hosts failed or were unreachable, more than --max-failed \(maxFailed)"
    }
}
