import FleetModel

/// What became of one before-image.
package struct Restored: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
        /// It was otherwise, was put back and read again.
        case putBack
        /// It was there already.
        case wasThere
        /// An earlier image of the same thing counts.
        case superseded
        /// No image brings it back.
        case exempt(NotRestored)
        /// It could not be put back, and why.
        case failed(AgentFault)
    }

    package let image: BeforeImage
    package let outcome: Outcome
}

/// What is left out where changes are taken back: all there is, by name and with its reason.
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

    /// Why, for people.
    package var reason: String {
        switch self {
        case .commands: "what a command does is known to its author alone"
        case .firmware:
            "a card does not give out the firmware it had, and an older one may be refused"
        case .vendorInstallation:
            "what a vendor's script installs is known to that script alone, and modules come from "
                + "what is on disk; declare the version of before"
        case .homeDirectories:
            "the home that a user was created with may hold work by now, and that of a removed user "
                + "is not kept"
        case .removedPackages:
            "the package manager remembers of a removed package that its configuration stays"
        case .offers: "what repositories offer is a cache, and is fetched again"
        case .notAsInFiles: "what ran otherwise than its files said runs as they say afterwards"
        case .initramfs: "an initramfs is made anew from the files that were put back"
        case .invalidPartitions: "a partition that the kernel had found invalid is none any more"
        case .unitsWithoutFile: "a unit whose file was gone while it ran cannot be started again"
        case .broughtUp: "ifupdown's note of what it brought up follows from its next call"
        }
    }
}
