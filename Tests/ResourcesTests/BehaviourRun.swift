import FleetModel
import Kinds
import Linux
import Resources
import Wire

/// One resource taken through observe, diff, before-images and apply, as the engine does.
struct BehaviourRun<B: ResourceBehaviour> {
    let declaration: B.Declaration
    let host: Host

    /// `blobs` are the contents that the plan names by digest.
    init(
        _: B.Type, _ name: String, _ attributes: [String: JSON], on machine: any Machine,
        blobs: [[UInt8]] = []
    ) throws {
        declaration = try B.Declaration(name: name, attributes: attributes)
        let byDigest = Dictionary(
            blobs.map { (Digest(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
        host = Host(
            machine: machine,
            blob: { (digest) throws(AgentFault) in
                guard let blob = byDigest[digest] else {
                    throw AgentFault("no-blob", "get a blob", cause: "there is none")
                }
                return blob
            },
            keep: { (content) throws(AgentFault) in Digest(of: content) })
    }

    func difference() throws(AgentFault) -> Difference {
        B.diff(declaration, try B.observe([declaration], on: host)[0].get())
    }

    /// Applies what differs; a fault where that fails.
    func apply() throws(AgentFault) {
        let observation = try B.observe([declaration], on: host)[0].get()
        guard case .changes(let changes) = B.diff(declaration, observation) else { return }
        _ = try B.beforeImages(declaration, observation, on: host)
        try B.apply(declaration, observation, changes: changes, on: host)
    }

    /// The text of the fault that applying ends in; nil where it ends in none.
    func faultOfApply() -> String? {
        do throws(AgentFault) {
            try apply()
            return nil
        } catch {
            return error.text
        }
    }
}

extension BehaviourRun where B == FileBehaviour {
    /// A file of that content.
    init(
        file path: String, content: [UInt8], _ attributes: [String: JSON] = [:],
        on machine: any Machine
    ) throws {
        var attributes = attributes
        attributes["content_digest"] = .string(Digest(of: content).description)
        attributes["content_size"] = .integer(content.count)
        try self.init(FileBehaviour.self, path, attributes, on: machine, blobs: [content])
    }
}
