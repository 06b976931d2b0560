import FleetModel
import Kinds

/// Gives equal numbers to resources that an arrangement cannot tell apart.
///
/// Hosts whose resources differ in attributes alone then share one arrangement. Not for more than
/// one thread.
final class StructureInterner {
    private struct Structure: Hashable {
        let address: String
        let definition: ResolvedResource.Definition
        let owns: [Claim]
        let provides: [Claim]
        let needs: [Claim]
        let isAbsent: Bool
        let requires: [ResolvedResource.Requirement]
    }

    private var numbers: [Structure: Int] = [:]

    func number(of resource: ResolvedResource) -> Int {
        let structure = Structure(
            address: resource.planned.address, definition: resource.definition,
            owns: resource.owns, provides: resource.provides, needs: resource.needs,
            isAbsent: resource.isAbsent, requires: resource.requires)
        if let known = numbers[structure] { return known }
        let number = numbers.count
        numbers[structure] = number
        return number
    }
}
