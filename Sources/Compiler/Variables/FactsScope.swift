import Diagnostics
import FleetModel
import Templates
import Values
import Wire

/// One host's facts as templates see them, turned into values section by section as they are read.
final class FactsScope {
    private let input: HostFactsInput
    private let host: String
    private var map = ValueMap()
    /// Sections that what is being computed may read.
    private var wanted: Set<FactsSection> = []
    /// Sections that were read, or would have been.
    private var read: Set<FactsSection> = []
    /// What was read, by the name of its section.
    private var sections: [String: JSON] = [:]

    init(_ input: HostFactsInput, host: String) {
        self.input = input
        self.host = host
    }

    /// The code of the fault of facts that are missing: not wrong, only not known yet.
    static let missingCode = "needs-facts"

    /// Says which facts the next computation may read.
    func want(_ uses: [NameUse]) {
        for use in uses where use.path.first == "facts" { want(use.path) }
    }

    func want(_ path: [String]) {
        wanted.formUnion(FactSections.sections(of: path.dropFirst()))
    }

    /// The value of `facts`, with the sections wanted; a half that is missing is a fault.
    func value() throws(Faults) -> Value {
        if wanted.count > read.count {
            for section in wanted.subtracting(read).sorted() {
                read.insert(section)
                let half = section.half == .live ? input.live : input.hardware
                if let json = half?[section.name] { take(json, section.name) }
            }
        }
        if input.hardware == nil, wanted.contains(where: { $0.half == .hardware }) {
            throw Faults(
                Diagnostic(
                    Self.missingCode, "the facts of \(host) are not known",
                    hint: "run `muster facts \(host)`", exitCode: .hostFailed))
        }
        let live = wanted.filter { $0.half == .live }
        if input.live == nil, let first = live.min() {
            throw Faults(
                Diagnostic(
                    Self.missingCode, "the live state of \(host) is not known",
                    cause: "facts.\(first.name) is read anew on every connection",
                    hint: "run `muster plan \(host)`", exitCode: .hostFailed))
        }
        return .map(map)
    }

    /// Takes in a section; of one that both halves have, each gives its own members.
    private func take(_ json: JSON, _ name: String) {
        var all = json
        if case .object(let members)? = sections[name], case .object(let more) = json {
            all = .object(members.merging(more) { _, last in last })
        }
        sections[name] = all
        map[name] = Value(all)
    }

    /// What was read so far.
    var used: FactsUsed {
        FactsUsed(
            sections: Set(read.map(\.name)).sorted(),
            needsHardware: read.contains { $0.half == .hardware },
            liveSections: read.filter { $0.half == .live }.map(\.name).sorted())
    }
}
