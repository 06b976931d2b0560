/// What keeps a bad change from reaching the whole fleet.
package struct Brakes: Sendable, Equatable {
    package enum Size: Sendable, Equatable {
        case hosts(Int)
        case percent(Int)

        /// As ``Brakes/size(_:)`` reads it.
        package var text: String {
            switch self {
            case .hosts(let count): "\(count)"
            case .percent(let percent): "\(percent)%"
            }
        }
    }

    /// This many hosts go first, alone; the rest only if all of them came out well.
    package var canary: Int
    /// The rest goes in batches; each begins when the one before is done.
    package var batch: Size?
    /// No host is started once more than this many failed or were unreachable.
    package var maxFailed: Int?

    package init(canary: Int = 0, batch: Size? = nil, maxFailed: Int? = nil) {
        self.canary = canary
        self.batch = batch
        self.maxFailed = maxFailed
    }

    /// Reads `20` or `25%`; nil for anything else.
    ///
    /// At least one host, at most all.
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

    /// The hosts in the groups they go in.
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

    /// Whether a stage's bad hosts forbid the next: any one in the canary stage.
    package func forbidsNext(stage: Int, badInStage: Int, badInAll: Int, of hosts: Int) -> String? {
        if canary > 0, canary < hosts, stage == 0, badInStage > 0 {
            return "\(badInStage) of \(canary) canary hosts did not come out well"
        }
        return forbidsHost(bad: badInAll)
    }

    /// Whether so many bad hosts forbid to start another.
    package func forbidsHost(bad: Int) -> String? {
        guard let maxFailed, bad > maxFailed else { return nil }
        return "\(bad) hosts failed or were unreachable, more than --max-failed \(maxFailed)"
    }
}
