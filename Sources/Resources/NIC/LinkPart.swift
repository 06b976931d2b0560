import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// Settings of a link that can be read whole and put back, as before-images have them.
protocol LinkPart: Sendable {
    /// `rings`, `mtu`: what before-images call it.
    var name: String { get }

    /// The current values of the settings that `saved` names.
    func now(_ saved: JSON, of link: NICLink) throws(SystemError) -> JSON

    /// Puts the saved values back; a setting that already has its saved value is not set again.
    func put(_ saved: JSON, on link: NICLink) throws(SystemError)
}

/// The parts of a link by their names.
enum LinkParts {
    static let all: [any LinkPart] = [
        LinkTablePart.rings, LinkTablePart.channels, LinkTablePart.coalescing,
        LinkTablePart.pause, LinkMTUPart(), LinkUpPart(), LinkQueuesPart.xps, LinkQueuesPart.rps,
        LinkFeaturesPart(), LinkFlagsPart(), LinkHashingPart(), LinkRulesPart(),
        LinkTimestampsPart(),
    ]

    static func named(_ name: String) -> (any LinkPart)? { all.first { $0.name == name } }

    /// Before-images of the parts of a link that will change, and of the parts that this disturbs.
    static func images(
        _ declaration: NICDeclaration, _ link: NICLink
    ) throws(AgentFault) -> [BeforeImage] {
        try attempt("ask the driver of \(link.name)") { () throws(SystemError) in
            var images: [BeforeImage] = []
            for section in declaration.sections
            where try section.settings(of: link).contains(where: \.isToChange) {
                for (part, saved) in try section.saved(of: link) {
                    images.append(
                        .link(name: link.name, setting: part.name, value: saved.canonicalText))
                }
            }
            return images
        }
    }

    /// Other parts that setting `part` may change: new channels reset RSS and drop all rules.
    static func disturbed(by part: any LinkPart) -> [any LinkPart] {
        part.name == LinkTablePart.channels.name ? [LinkHashingPart(), LinkRulesPart()] : []
    }
}

extension Restoration {
    /// Puts a part of a link back as it was saved.
    static func link(
        _ link: NICLink, _ part: any LinkPart, _ saved: JSON
    ) -> Restoration {
        Restoration("\(part.name) of \(link.name)") { () throws(AgentFault) in
            try attempt("ask the driver of \(link.name)") { () throws(SystemError) in
                try part.now(saved, of: link) == saved
            }
        } putBack: { () throws(AgentFault) in
            try attempt("put back \(part.name) of \(link.name)") { () throws(SystemError) in
                try part.put(saved, on: link)
            }
        }
    }
}

extension NICSection {
    /// The current values of the section's part and of the parts that changing it disturbs.
    ///
    /// The section's own part comes last, because parts are put back from the end.
    func saved(of link: NICLink) throws(SystemError) -> [(part: any LinkPart, saved: JSON)] {
        var all: [(part: any LinkPart, saved: JSON)] = []
        for other in LinkParts.disturbed(by: part) {
            do throws(SystemError) {
                all.append((other, try other.now([:], of: link)))
            } catch {
                // A driver without RSS or rules has nothing to save.
                if !error.isUnsupported { throw error }
            }
        }
        all.append((part, try part.now(try scope(of: link), of: link)))
        return all
    }
}
