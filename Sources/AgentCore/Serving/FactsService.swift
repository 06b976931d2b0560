import FleetModel
import Linux
import Wire

/// Answers a request for facts.
enum FactsService {
    static func read(_ machine: any Machine, hardware: Bool, sections: [String]) -> JSON {
        let hello = Identity.hello()
        return [
            "hostname": .string(hello.hostname), "architecture": .string(hello.architecture),
        ]
    }
}
