import FleetModel
import Kinds

/// Interns the parts of resources that ordering depends on: equal parts get equal numbers.
///
/// Hosts whose resources differ only in attribute values then share one arrangement. Not
/// thread-safe.
final class StructureInterner {
    private struct Structure: Hashable {
        let address: String
        let definition: ResolvedResource.Definition
        let owns: [Claim]
        let provides: [Claim]
        let needs: [Claim]
        let isAbsent: Bool
        let purgedDirectory: String?
        let requires: [ResolvedResource.Requirement]
    }

    private var numbers: [Structure: Int] = [:]

    func number(of resource: ResolvedResource) -> Int {
        let structure = Structure(
            address: resource.planned.address, definition: resource.definition,
            owns: resource.owns, provides: resource.provides, needs: resource.needs,
            isAbsent: resource.isAbsent, purgedDirectory: resource.purgedDirectory,
            requires: resource.requires)
        if let known = numbers[structure] { return known }
        let number = numbers.count
        numbers[structure] = number
        return number
    }
}
