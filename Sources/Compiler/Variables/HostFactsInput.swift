import FleetModel
import Wire

/// What is known of a host when it is compiled: its two halves of facts.
package struct HostFactsInput: Sendable {
    /// Hardware and topology, as stored; nil where they were never read.
    package var hardware: JSON?
    /// Live state, as just read; nil where nobody is connected.
    package var live: JSON?
    /// The digest of the hardware facts.
    package var digest: Digest?

    package init(hardware: JSON? = nil, live: JSON? = nil, digest: Digest? = nil) {
        self.hardware = hardware
        self.live = live
        self.digest = digest
    }

    /// A host of which nothing is known.
    package static let none = HostFactsInput()
}

/// Which facts a compilation read.
package struct FactsUsed: Sendable, Equatable {
    /// The sections of `facts` that templates of the host read, sorted.
    package var sections: [String] = []
    /// Whether one of them belongs to the stored half.
    package var needsHardware = false
    /// Those that are live state.
    package var liveSections: [String] = []
}
