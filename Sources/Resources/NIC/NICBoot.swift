import FleetModel
import Kinds
import Linux
import Wire

/// Waiting for network cards at boot.
package enum NICBoot {
    /// Waits until the cards of these records are present and up, for twenty seconds at most.
    ///
    /// A driver may rebuild tables whenever its link comes up (vmxnet3: the RSS table), and
    /// `network.target` only says that the network manager has started. A card that is to stay down
    /// is not waited for, and a card that its record brings up only has to be present. Returns the
    /// names of the cards that are still missing or down.
    package static func waitForLinks(_ records: [BootRecord], on host: Host) -> [String] {
        var left = records.filter { record in
            let declaration = try? record.kind.declaration(
                name: record.name, attributes: record.attributes)
            return (declaration as? any BootKeptDeclaration)?.awaitedCard != nil
        }
        for attempt in 0..<67 {
            if attempt > 0, !left.isEmpty { host.settle() }
            left = left.filter { !isReady($0, on: host.machine) }
        }
        return left.map(\.name)
    }

    private static func isReady(_ record: BootRecord, on machine: any Machine) -> Bool {
        guard let links = try? NICFinder(machine: machine).links(record.name) else { return false }
        if record.attributes["link"] == "up" { return true }
        return links.allSatisfy {
            ((try? LinkUpPart.flags(NICLink(name: $0, machine: machine))) ?? 0) & 1 != 0
        }
    }
}
