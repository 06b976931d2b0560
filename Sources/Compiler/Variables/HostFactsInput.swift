import FleetModel
import Wire

/// The facts of a host that are known when it is compiled, in two halves.
package struct HostFactsInput: Sendable {
    /// Hardware and topology as stored; nil if never read.
    package var hardware: JSON?
    /// Live state as just read; nil without a connection.
    package var live: JSON?
    /// The digest of the hardware facts.
    package var digest: Digest?

    package init(hardware: JSON? = nil, live: JSON? = nil, digest: Digest? = nil) {
        self.hardware = hardware
        self.live = live
        self.digest = digest
    }

    /// No facts.
    package static let none = HostFactsInput()
}

/// Which facts a compilation read.
package struct FactsUsed: Sendable, Equatable {
    /// The sections of `facts` that templates of the host read, sorted.
    package var sections: [String] = []
    /// Whether one of these sections belongs to the stored half.
    package var needsHardware = false
    /// The sections among them that are live state.
    package var liveSections: [String] = []
}
