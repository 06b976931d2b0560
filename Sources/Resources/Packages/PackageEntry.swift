import Kinds

/// What a host has of one package, by whichever database.
struct PackageEntry: Sendable, Equatable {
    /// As the database writes it: `9.2.1-1`; of rpm with the epoch before it, where it has one.
    var version: String
    /// Other versions that are installed beside it, as kernels are.
    var besides: [String] = []
    var isInstalled: Bool
    /// Whether the package manager may not exchange it by itself.
    var isHeld = false
    /// A lock of dnf on a version that is not the one installed; nil where there is none.
    var staleLock: String?
    /// How far dpkg came with it, where it was left half way; nil where it was not.
    var halfWay: String?
    /// Removed, but for its configuration files; `state` as the database calls that.
    var hasConfigurationFiles = false
    /// The paths that purging would remove, as dpkg knows them.
    var configurationFiles: [String] = []
    /// Whether the database says anything of it at all.
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

    /// Whether that version is there, alone or beside others.
    func has(_ version: String) -> Bool {
        isInstalled && (version == self.version || besides.contains(version))
    }
}

/// The package manager of a host, by the database that is there.
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
