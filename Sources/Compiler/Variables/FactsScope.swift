import Diagnostics
import FleetModel
import Templates
import Values
import Wire

/// The facts of one host for templates, converted to values one section at a time when read.
final class FactsScope {
    private let input: HostFactsInput
    private let host: String
    private var map = ValueMap()
    /// The sections that the current computation may read.
    private var wanted: Set<FactsSection> = []
    /// The sections that were read, or that were needed but missing.
    private var read: Set<FactsSection> = []
    /// The sections read so far, by name.
    private var sections: [String: JSON] = [:]

    init(_ input: HostFactsInput, host: String) {
        self.input = input
        self.host = host
    }

    /// The code of the fault for missing facts, which are not wrong but not known yet.
    static let missingCode = "needs-facts"

    /// Announces the facts that the next computation may read.
    func want(_ uses: [NameUse]) {
        for use in uses where use.path.first == "facts" { want(use.path) }
    }

    func want(_ path: [String]) {
        wanted.formUnion(FactSections.sections(of: path.dropFirst()))
    }

    /// The value of `facts` with the announced sections; throws if a needed half is missing.
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
                    cause: "facts.\(first.name) is not stored but read on every connection",
                    hint: "run `muster plan \(host)`", exitCode: .hostFailed))
        }
        return .map(map)
    }

    /// Adds a section; if both halves have it, their members are merged.
    private func take(_ json: JSON, _ name: String) {
        var all = json
        if case .object(let members)? = sections[name], case .object(let more) = json {
            all = .object(members.merging(more) { _, last in last })
        }
        sections[name] = all
        map[name] = Value(all)
    }

    /// The facts that were read so far.
    var used: FactsUsed {
        FactsUsed(
            sections: Set(read.map(\.name)).sorted(),
            needsHardware: read.contains { $0.half == .hardware },
            liveSections: read.filter { $0.half == .live }.map(\.name).sorted())
    }
}
