import Diagnostics
import FleetModel
import Kinds
import Wire

/// The finished resources and handlers of a plan, shared by hosts for which they are equal.
final class Assembly: Sendable {
    let resources: [PlannedResource]
    let handlers: [PlannedHandler]
    let blobs: [Digest: Blob]
    /// The canonical text of both lists, from which the bytes of plans are composed.
    let resourcesBytes: [UInt8]
    let handlersBytes: [UInt8]
    /// The place of declaration of each resource and handler, by address.
    let origins: [String: String]
    /// The findings of the plan checker; any finding is a bug in muster.
    let findings: [PlanChecker.Finding]

    /// Puts resources in order and fills in the attributes that depend on other resources.
    ///
    /// `tags` keeps only resources with one of these tags; nil keeps all. Only handlers that a kept
    /// resource notifies are included.
    init(
        _ resources: [ResolvedResource], _ arrangement: Arrangement,
        handlers: [ResolvedHandler], tags: Set<String>?
    ) {
        var planned: [PlannedResource] = []
        planned.reserveCapacity(resources.count)
        var blobs: [Digest: Blob] = [:]
        var kept: Set<String>?
        if let tags {
            kept = Set(
                resources.filter { !tags.isDisjoint(with: $0.planned.tags) }
                    .map(\.planned.address))
        }
        var notified: Set<String> = []
        var origins: [String: String] = [:]
        var parts: [PlanChecker.Part] = []
        var bytes: [UInt8] = [UInt8(ascii: "[")]
        bytes.reserveCapacity(resources.count * 320)
        for index in arrangement.order {
            let resource = resources[index]
            if let kept, !kept.contains(resource.planned.address) { continue }
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            var one = resource.planned
            one.requires = arrangement.requires[index]
            if kept == nil, arrangement.declaredNames[index] == nil {
                resource.bytes.write(requires: arrangement.requiresBytes[index], to: &bytes)
            } else {
                if let kept { one.requires = one.requires.filter(kept.contains) }
                if let names = arrangement.declaredNames[index] {
                    one.attributes["purge_declared"] = .strings(names)
                }
                bytes += one.json.canonicalBytes
            }
            notified.formUnion(one.notify)
            for blob in resource.blobs { Self.add(blob, to: &blobs) }
            origins[one.address] = resource.place.fileAndLine
            parts.append(resource.checked)
            planned.append(one)
        }
        for handler in handlers where notified.contains(handler.planned.address) {
            origins[handler.planned.address] = handler.place.fileAndLine
        }
        self.origins = origins
        self.resources = planned
        self.handlers = handlers.map(\.planned).filter { notified.contains($0.address) }
        findings =
            PlanChecker.checkLists(resources: planned, handlers: self.handlers)
            + PlanChecker.checkTogether(parts)
        self.blobs = blobs
        bytes.append(UInt8(ascii: "]"))
        resourcesBytes = bytes
        handlersBytes = JSON.array(self.handlers.map(\.json)).canonicalBytes
    }

    /// If the same bytes are secret for one resource and not for another, they are secret.
    private static func add(_ blob: Blob, to blobs: inout [Digest: Blob]) {
        if let known = blobs[blob.digest], known.isSecret || !blob.isSecret { return }
        blobs[blob.digest] = blob
    }
}
