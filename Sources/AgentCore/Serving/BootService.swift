import FleetModel
import Kinds
import Linux
import Resources
import Wire

/// Applies at boot what the kernel does not keep: the records of ``BootSettings``.
///
/// It uses the code of an apply, and sets only running values.
struct BootService {
    let machine: any Machine
    /// Replaces ``Host/settle``; nil leaves the host's own.
    var settle: (() -> Void)?
    /// Takes each line for the log.
    let say: (String) -> Void

    /// Carries a stage out, one resource after the other; false where one failed.
    func run(_ stage: BootStage) -> Bool {
        let (records, faults): ([BootRecord], [AgentFault])
        do {
            (records, faults) = try BootSettings.records(of: stage, on: machine)
        } catch {
            say("failed: \(error.text)")
            return false
        }
        for fault in faults { say("failed: \(fault.text)") }
        var isGood = faults.isEmpty
        let host = Host(
            machine: machine,
            blob: { digest throws(AgentFault) in
                throw AgentFault(
                    "no-blob", "get blob \(digest.short)",
                    cause: "no controller sends content at boot")
            },
            keep: { content throws(AgentFault) in Digest(of: content) })
        if let settle { host.settle = settle }
        for name in NICBoot.waitForLinks(records, on: host) {
            say("nic \(name): not up after 20 s; continuing without it")
        }
        // Resources of one kind are taken together, since observing one may also read the others.
        var left = records[...]
        while let first = left.first {
            let same = left.filter { $0.kind == first.kind }
            left = left.filter { $0.kind != first.kind }[...]
            if !run(same, on: host) { isGood = false }
        }
        return isGood
    }

    private func run(_ records: [BootRecord], on host: Host) -> Bool {
        var isGood = true
        let batch = makeBatch(records[0].kind.behaviour)
        var placed: [BootRecord] = []
        for record in records {
            do {
                try batch.add(name: record.name, attributes: record.attributes)
                placed.append(record)
            } catch {
                say("failed: \(record.label): \(error.message)")
                isGood = false
            }
        }
        for place in placed.indices {
            // All are observed again each time: the last change may have affected the next
            // resource.
            batch.observe(Array(placed.indices), on: host)
            if !carryOut(placed[place], place, batch, on: host) { isGood = false }
        }
        return isGood
    }

    private func carryOut(
        _ record: BootRecord, _ place: Int, _ batch: any KindBatch, on host: Host
    ) -> Bool {
        switch batch.finding(place) {
        case .difference(.changes(let changes)):
            let running = changes.filter { $0.layer == .running && !$0.isMadeByReboot }
            if running.isEmpty {
                say("\(record.label): already as declared")
                return true
            }
            // This host does not share work, so no change waits for shared work.
            for case .failed(let fault) in batch.apply(
                [PlaceDue(place: place, changes: running)], on: host)
            {
                say("failed: \(record.label): \(fault.text)")
                return false
            }
            say("\(record.label): set \(Change.names(running))")
            return true
        case .difference(.asDeclared), .difference(.pending):
            say("\(record.label): already as declared")
            return true
        case .difference(.notApplicable(let reason)):
            say("\(record.label): not applicable: \(reason)")
            return true
        case .difference(.unknown(let reason)):
            say("failed: \(record.label): \(reason)")
            return false
        case .difference(.blocked(let fault)), .failure(let fault):
            say("failed: \(record.label): \(fault.text)")
            return false
        }
    }
}

extension BootRecord {
    fileprivate var label: String { "\(kind.rawValue) \(name)" }
}
