import Kinds

/// One package on a host, from whichever database.
struct PackageEntry: Sendable, Equatable {
    /// As the database writes it: `9.2.1-1`; for rpm with the epoch before it, if it has one.
    var version: String
    /// Other versions that are installed at the same time, as with kernels.
    var besides: [String] = []
    var isInstalled: Bool
    /// Whether the package manager must not change the package by itself.
    var isHeld = false
    /// A lock of dnf on a version that is not the one installed; nil where there is none.
    var staleLock: String?
    /// The dpkg status of a package that was left incomplete; nil where it was not.
    var halfWay: String?
    /// Whether the package was removed, except for its configuration files.
    var hasConfigurationFiles = false
    /// The paths that purging would remove, as dpkg knows them.
    var configurationFiles: [String] = []
    /// Whether the database knows the package at all.
    var isKnown = true
    /// In the words of the database: `installed`, `config-files`.
    var status = "installed"

    init(version: String, isInstalled: Bool) {
        self.version = version
        self.isInstalled = isInstalled
    }

    init(_ entry: DpkgEntry) {
        version = entry.version
        isInstalled = entry.isInstalled
        isHeld = entry.isHeld
        halfWay = entry.isInterrupted ? entry.status : nil
        hasConfigurationFiles = entry.hasConfigurationFiles
        configurationFiles = entry.configurationFiles
        isKnown = entry.status != "not-installed"
        status = entry.status
    }

    /// Whether that version is installed, alone or with others.
    func has(_ version: String) -> Bool {
        isInstalled && (version == self.version || besides.contains(version))
    }
}

/// The package manager of a host, by the database that exists.
enum PackageManager: Sendable {
    case apt, dnf

    /// Negative where `left` is older, 0 where both are the same, positive where it is newer.
    func compare(_ left: String, _ right: String) -> Int {
        switch self {
        case .apt: DebianVersion.compare(left, right)
        case .dnf: RPMVersion.compare(left, right)
        }
    }
}
