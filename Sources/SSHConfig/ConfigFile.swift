/// Where the configuration is read from; tests substitute their own files.
package struct ConfigSource: Sendable {
    /// The content of a file; nil if it does not exist.
    ///
    /// Throws if it cannot be read.
    package var read: @Sendable (String) throws(SSHConfigError) -> [UInt8]?
    /// The paths that match a glob(7) pattern, sorted.
    package var glob: @Sendable (String) -> [String]
    /// The home directory of the user: `~`.
    package var home: String

    package init(
        home: String, read: @escaping @Sendable (String) throws(SSHConfigError) -> [UInt8]?,
        glob: @escaping @Sendable (String) -> [String]
    ) {
        self.home = home
        self.read = read
        self.glob = glob
    }

    /// `~` and `~/…` as a path; other users' homes are left as they are.
    package func expandTilde(_ path: String) -> String {
        if path == "~" { return home }
        return path.hasPrefix("~/") ? home + path.dropFirst() : path
    }
}

/// An ssh_config file and the files it includes, ready for look-ups.
package struct ConfigFile: Sendable {
    indirect enum Item: Sendable {
        case line(ConfigLine)
        /// The items of each file that an Include matches.
        case include([[Item]])
    }

    let items: [Item]

    private static let maximumDepth = 16

    /// Reads a file and its includes; a file that does not exist is treated as empty, unless it
    /// `mustExist`.
    ///
    /// `isUser`: whether relative includes lie in `~/.ssh` rather than `/etc/ssh`. A file
    /// that exists and cannot be read is an error: otherwise what it says of hosts and of jump
    /// hosts would be ignored.
    package init(
        _ path: String, isUser: Bool, mustExist: Bool = false, source: ConfigSource
    ) throws(SSHConfigError) {
        if mustExist, try source.read(path) == nil {
            throw SSHConfigError(place: path, reason: "there is no such file")
        }
        items = try Self.items(of: path, isUser: isUser, source, depth: 0)
    }

    private static func items(
        of path: String, isUser: Bool, _ source: ConfigSource, depth: Int
    ) throws(SSHConfigError) -> [Item] {
        guard let content = try source.read(path) else { return [] }
        var items: [Item] = []
        var number = 0
        for raw in content.split(separator: 10, omittingEmptySubsequences: false) {
            number += 1
            let place = "\(path):\(number)"
            guard let line = try ConfigLine(raw, place: place) else { continue }
            guard line.keyword == "include" else {
                items.append(.line(line))
                continue
            }
            if depth == maximumDepth {
                throw SSHConfigError(place: place, reason: "files include each other too deeply")
            }
            var files: [[Item]] = []
            for argument in line.arguments {
                var pattern = source.expandTilde(argument)
                if !pattern.hasPrefix("/") {
                    pattern = (isUser ? source.home + "/.ssh/" : "/etc/ssh/") + pattern
                }
                for file in source.glob(pattern) {
                    files.append(try Self.items(of: file, isUser: isUser, source, depth: depth + 1))
                }
            }
            items.append(.include(files))
        }
        return items
    }
}
