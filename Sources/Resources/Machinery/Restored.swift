import FleetModel

/// The outcome of one before-image.
package struct Restored: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
        /// The state differed; it was put back and checked.
        case putBack
        /// The earlier state was already there.
        case wasThere
        /// An earlier image of the same item counts instead.
        case superseded
        /// No image can bring this state back.
        case exempt(NotRestored)
        /// The state could not be put back, and why.
        case failed(AgentFault)
    }

    package let image: BeforeImage
    package let outcome: Outcome
}

/// All that a rollback does not put back, by name and with the reason.
package enum NotRestored: String, Sendable, CaseIterable {
    case commands
    case firmware
    case vendorInstallation = "vendor_installation"
    case homeDirectories = "home_directories"
    case removedPackages = "removed_packages"
    case offers
    case broughtUp = "brought_up"
    case notAsInFiles = "not_as_in_files"
    case initramfs
    case invalidPartitions = "invalid_partitions"
    case unitsWithoutFile = "units_without_file"

    /// The reason, as text for people.
    package var reason: String {
        switch self {
        case .commands: "muster does not know what a command changes"
        case .firmware:
            "a card does not return its earlier firmware, and may refuse an older version"
        case .vendorInstallation:
            "only the vendor's script knows what it installs, and modules are loaded from disk; "
                + "declare the earlier version"
        case .homeDirectories:
            "the home of a created user may contain work by now, and the home of a removed user is "
                + "not saved"
        case .removedPackages:
            "the package manager still lists the configuration of a removed package"
        case .offers: "the lists of repositories are a cache and are fetched again"
        case .notAsInFiles: "a running state that differed from its files will follow the files"
        case .initramfs: "an initramfs is regenerated from the files that were put back"
        case .invalidPartitions: "an invalid cpuset partition is not made again"
        case .unitsWithoutFile: "a unit that ran without its file cannot be started again"
        case .broughtUp: "ifupdown updates its record of configured interfaces at its next call"
        }
    }
}
