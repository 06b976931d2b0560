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
    private var wanted: Set<String> = []
    /// Sections that were read, or would have been.
    private var read: Set<String> = []

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
        guard path.count > 1 else {
            wanted.formUnion(FactSections.all)
            wanted.formUnion(input.hardware?.object?.keys.map { $0 } ?? [])
            wanted.formUnion(input.live?.object?.keys.map { $0 } ?? [])
            return
        }
        wanted.insert(path[1])
    }

    /// The value of `facts`, with the sections wanted; a half that is missing is a fault.
    func value() throws(Faults) -> Value {
        if wanted.count > read.count {
            for section in wanted.subtracting(read).sorted() {
                read.insert(section)
                let half = FactSections.isLive(section) ? input.live : input.hardware
                if let json = half?[section] { map[section] = Value(json) }
            }
        }
        let isLiveMissing = input.live == nil && wanted.contains(where: FactSections.isLive)
        let isHardwareMissing =
            input.hardware == nil && wanted.contains { !FactSections.isLive($0) }
        if isHardwareMissing {
            throw Faults(
                Diagnostic(
                    Self.missingCode, "the facts of \(host) are not known",
                    hint: "run `muster facts \(host)`", exitCode: .hostFailed))
        }
        if isLiveMissing {
            throw Faults(
                Diagnostic(
                    Self.missingCode, "the live state of \(host) is not known",
                    cause:
                        "facts.\(wanted.filter(FactSections.isLive).min() ?? "") is read anew on "
                        + "every connection", hint: "run `muster plan \(host)`",
                    exitCode: .hostFailed))
        }
        return .map(map)
    }

    /// What was read so far.
    var used: FactsUsed {
        FactsUsed(
            sections: read.sorted(), needsHardware: read.contains { !FactSections.isLive($0) },
            liveSections: read.filter(FactSections.isLive).sorted())
    }

    /// Counts sections as read by a result that is taken over from another host.
    func note(_ sections: some Sequence<String>) { read.formUnion(sections) }
}
