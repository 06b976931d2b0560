import Wire

/// The keys of known hosts, from files in the format of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
package struct KnownHosts: Sendable {
    /// The marker of a line.
    package enum Marker: Sendable, Equatable {
        case key
        case certificateAuthority
        case revoked
    }

    /// One line.
    package struct Entry: Sendable {
        package let marker: Marker
        package let key: HostKey
        /// The file and the line's number, from 1: `~/.ssh/known_hosts:12`.
        package let place: String
    }

    /// A line that is not understood: such lines are skipped, as OpenSSH does.
    package struct Fault: Sendable, Equatable {
        package let place: String
        package let reason: String
    }

    private var entries: [Entry] = []
    /// Entries by each exact name of a line without wildcards and negations.
    private var byName: [String: [Int]] = [:]
    private var byPattern: [(patterns: [Substring], entry: Int)] = []
    private var hashed: [HashedName] = []
    package private(set) var faults: [Fault] = []

    private struct HashedName: Sendable {
        let hmac: SHA1.HMAC
        let digest: [UInt8]
        let entry: Int
    }

    package init() {}

    /// Whether the host names in these files are hashed.
    package var isHashed: Bool { !hashed.isEmpty }

    // MARK: Reading

    /// Adds the lines of one file; `path` names it in places.
    package mutating func read(_ content: [UInt8], path: String) {
        for (index, line) in content.split(separator: 10, omittingEmptySubsequences: false)
            .enumerated()
        {
            let place = "\(path):\(index + 1)"
            add(line: String(decoding: line, as: UTF8.self), place: place)
        }
    }

    /// Adds one line.
    package mutating func add(line: String, place: String) {
        var fields = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }
        guard let first = fields.first, !first.hasPrefix("#") else { return }
        var marker = Marker.key
        if first.hasPrefix("@") {
            switch first {
            case "@cert-authority": marker = .certificateAuthority
            case "@revoked": marker = .revoked
            default:
                faults.append(Fault(place: place, reason: "\(first) is not a marker"))
                return
            }
            fields.removeFirst()
        }
        guard fields.count >= 3 else {
            faults.append(Fault(place: place, reason: "a host, a key type and a key are needed"))
            return
        }
        guard let blob = Base64.decode(fields[2]), let key = HostKey(blob: blob),
            key.type == fields[1]
        else {
            faults.append(Fault(place: place, reason: "the key cannot be read"))
            return
        }
        let entry = entries.count
        if fields[0].hasPrefix("|") {
            let parts = fields[0].split(separator: "|", omittingEmptySubsequences: false)
            guard parts.count == 4, parts[1] == "1", let salt = Base64.decode(parts[2]),
                let digest = Base64.decode(parts[3]), digest.count == 20, salt.count == 20
            else {
                faults.append(Fault(place: place, reason: "the hashed name cannot be read"))
                return
            }
            hashed.append(HashedName(hmac: SHA1.HMAC(key: salt), digest: digest, entry: entry))
        } else {
            let names = fields[0].lowercased().split(separator: ",")
            if names.contains(where: { $0.contains { $0 == "*" || $0 == "?" || $0 == "!" } }) {
                byPattern.append((names, entry))
            } else {
                for name in Set(names) { byName[String(name), default: []].append(entry) }
            }
        }
        entries.append(Entry(marker: marker, key: key, place: place))
    }

    // MARK: Looking up

    /// The lines for a host, in the order of the files.
    ///
    /// If no line has `[host]:port`, the lines of the bare name are used, as in OpenSSH.
    package func entries(for host: String, port: Int) -> HostEntries {
        let name = Self.name(of: host, port: port)
        let exact = entries(named: name)
        if port == 22 || exact.contains(where: { $0.marker != .revoked }) {
            return HostEntries(name: name, entries: exact, bareEntries: [])
        }
        return HostEntries(
            name: name, entries: exact, bareEntries: entries(named: host.lowercased()))
    }

    /// The lines that match exactly this name.
    package func entries(named name: String) -> [Entry] {
        var found = byName[name] ?? []
        for (patterns, entry) in byPattern where Pattern.matches(name, anyOf: patterns) {
            found.append(entry)
        }
        let message = Array(name.utf8)
        for candidate in hashed where candidate.hmac.authenticate(message) == candidate.digest {
            found.append(candidate.entry)
        }
        return found.sorted().map { entries[$0] }
    }

    /// The name of a host in these files: `host`, or `[host]:port` if the port is not 22.
    package static func name(of host: String, port: Int) -> String {
        port == 22 ? host.lowercased() : "[\(host.lowercased())]:\(port)"
    }

    /// A line that pins a key, without its newline; the name is hashed if a salt of 20 bytes is
    /// given.
    package static func line(_ name: String, _ key: HostKey, salt: [UInt8]?) -> String {
        guard let salt else { return "\(name) \(key.text)" }
        let digest = SHA1.HMAC(key: salt).authenticate(Array(name.utf8))
        return "|1|\(Base64.encode(salt))|\(Base64.encode(digest)) \(key.text)"
    }
}

/// The entries of the known_hosts files for one host.
package struct HostEntries: Sendable {
    /// The name under which its lines are looked up.
    package let name: String
    /// Lines with that name.
    let entries: [KnownHosts.Entry]
    /// Lines with the bare name, if the port is not 22: they can confirm a key, but not show that
    /// it changed.
    let bareEntries: [KnownHosts.Entry]

    /// The result of checking a host's key.
    package enum Verdict: Sendable {
        case known
        /// No line with this name has a key of this type; `others`: lines with keys of other types.
        case unknown(others: [KnownHosts.Entry])
        /// A line has another key of the same type.
        case changed(KnownHosts.Entry)
        case revoked(KnownHosts.Entry)
    }

    /// The types of the known keys, in the order of the lines.
    package var types: [String] {
        var types: [String] = []
        for entry in entries + bareEntries
        where entry.marker == .key && !types.contains(entry.key.type) {
            types.append(entry.key.type)
        }
        return types
    }

    /// Whether only a certificate authority vouches for the host.
    package var needsCertificate: Bool {
        types.isEmpty && entries.contains { $0.marker == .certificateAuthority }
    }

    /// Checks the key that a host presented.
    ///
    /// OpenSSH reports a host as changed as soon as any key is known and none matches. Here a key
    /// of another type is `unknown`, with the other lines listed, and the caller must not pin it
    /// without asking.
    package func verdict(on key: HostKey) -> Verdict {
        let all = entries + bareEntries
        if let line = all.first(where: { $0.marker == .revoked && $0.key == key }) {
            return .revoked(line)
        }
        if all.contains(where: { $0.marker == .key && $0.key == key }) { return .known }
        let others = entries.filter { $0.marker == .key }
        if let line = others.first(where: { $0.key.type == key.type }) { return .changed(line) }
        return .unknown(others: others)
    }
}
