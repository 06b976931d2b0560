import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Behaviour of `hosts_entry`.
package enum HostsEntryBehaviour: ResourceBehaviour {
    package struct Observation: Sendable {
        var file: PathObservation
        var lines: [HostsLine]
    }

    private static let path = HostsEntryDeclaration.path

    package static func observe(
        _ declarations: [HostsEntryDeclaration], on host: Host
    ) -> [Result<Observation, AgentFault>] {
        let found: Result<Observation, AgentFault>
        do throws(AgentFault) {
            found = .success(try read(on: host.machine))
        } catch {
            found = .failure(error)
        }
        return declarations.map { _ in found }
    }

    private static func read(on machine: any Machine) throws(AgentFault) -> Observation {
        let file = try PathObservation(path, accounts: Accounts(), on: machine)
        let text = try machine.readText(path, limit: 16 << 20)
        return Observation(file: file, lines: HostsLine.all(in: text ?? ""))
    }

    package static func diff(
        _ declaration: HostsEntryDeclaration, _ observation: Observation
    ) -> Difference {
        if let status = observation.file.status, status.type != .file {
            let what = PathText.noun(status.type, linkTarget: observation.file.linkTarget)
            return .blocked(
                AgentFault(
                    "not-a-file", "read \(path)", cause: "it is \(what)",
                    hint: "make it a file, or manage what it points to"))
        }
        let own = observation.lines.enumerated().filter {
            $0.element.address == declaration.address
        }
        if !declaration.isPresent {
            if own.isEmpty { return .asDeclared("no line has that address") }
            return .changes(
                own.map { number, line in
                    Change(
                        "names", before: .strings(line.names), after: nil,
                        source: "\(path):\(number + 1)")
                })
        }
        var changes: [Change] = []
        if own.count != 1 || own[0].element.names != declaration.names {
            changes.append(
                Change(
                    "names", before: own.isEmpty ? nil : .strings(own.flatMap(\.element.names)),
                    after: .strings(declaration.names),
                    source: own.first.map { "\(path):\($0.offset + 1)" }))
        }
        for (number, line) in observation.lines.enumerated() {
            let taken = declaration.takes(from: line)
            guard !taken.isEmpty, let address = line.address else { continue }
            changes.append(
                Change(
                    "names of \(address.address)", before: .strings(line.names),
                    after: taken.count == line.names.count
                        ? nil : .strings(line.names.filter { !taken.contains($0) }),
                    source: "\(path):\(number + 1)"))
        }
        return changes.isEmpty ? .asDeclared("one line, names as declared") : .changes(changes)
    }

    package static func beforeImages(
        _ declaration: HostsEntryDeclaration, _ observation: Observation, on host: Host
    ) throws(AgentFault) -> [BeforeImage] {
        [try observation.file.fullImage(path, on: host)]
    }

    package static func apply(
        _ declaration: HostsEntryDeclaration, _ observation: Observation, changes: [Change],
        on host: Host
    ) throws(AgentFault) {
        // Another entry of the same run may have changed the file since it was observed.
        let found = try read(on: host.machine)
        var lines: [String] = []
        var isWritten = !declaration.isPresent
        for line in found.lines {
            if line.address == declaration.address {
                if !isWritten {
                    let isRight = line.names == declaration.names
                    lines.append(isRight ? line.text : declaration.line)
                    isWritten = true
                }
                continue
            }
            let taken = declaration.takes(from: line)
            guard !taken.isEmpty, let address = line.address else {
                lines.append(line.text)
                continue
            }
            let left = line.names.filter { !taken.contains($0) }
            if !left.isEmpty {
                lines.append("\(address.address)\t\(left.joined(separator: " "))\(line.comment)")
            }
        }
        if !isWritten { lines.append(declaration.line) }
        let status = found.file.status
        try NewFile(
            path: path, content: Array(lines.map { $0 + "\n" }.joined().utf8),
            mode: status?.mode ?? 0o644, uid: status?.uid ?? 0, gid: status?.gid ?? 0
        ).put(on: host.machine)
    }
}

extension HostsEntryDeclaration {
    fileprivate var line: String { "\(address.address)\t\(names.joined(separator: " "))" }

    /// The declared names that are now on the line of another address.
    fileprivate func takes(from line: HostsLine) -> [String] {
        guard isPresent, let other = line.address, other != address, other.isIPv4 == address.isIPv4
        else { return [] }
        let own = Set(names.map { $0.lowercased() })
        return line.names.filter { own.contains($0.lowercased()) }
    }
}

/// One line of /etc/hosts (hosts(5)).
struct HostsLine: Sendable {
    var text: String
    /// nil for a comment, an empty line or a line that cannot be parsed.
    var address: IPPrefix?
    var names: [String] = []
    /// The comment at the end, with a blank before it; empty where there is none.
    var comment = ""

    init(_ text: String) {
        self.text = text
        let content = text.prefix { $0 != "#" }
        let words = content.split(whereSeparator: \.isWhitespace)
        guard words.count > 1, let address = try? IPPrefix(String(words[0])) else { return }
        self.address = address
        names = words.dropFirst().map(String.init)
        comment = content.count == text.count ? "" : " " + text.dropFirst(content.count)
    }

    static func all(in text: String) -> [HostsLine] {
        text.rawLines.map { HostsLine(String($0)) }
    }
}
