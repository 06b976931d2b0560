import Kinds

/// Compares a command line with a declared set of parameters.
enum KernelCmdlineCheck {
    /// A parameter that is not as declared.
    struct Difference: Equatable {
        /// The parameter's key; `hugepages` for the group of hugepage parameters.
        var attribute: String
        /// What the line has; nil if it lacks the parameter.
        var before: String?
        /// What is declared; nil if the parameter must be absent.
        var after: String?
    }

    /// The differences, in the order of the declaration.
    ///
    /// `former` are parameters that the set put in place earlier and that must be removed.
    static func differences(
        _ declaration: KernelCmdlineDeclaration, former: [KernelParameter],
        in line: [KernelParameter]
    ) -> [Difference] {
        var all: [Difference] = []
        var isGroupDone = false
        for parameter in declaration.parameters {
            if KernelParameter.hugepageKeys.contains(parameter.key) {
                if !isGroupDone, let found = group(declaration.parameters, in: line) {
                    all.append(found)
                }
                isGroupDone = true
            } else if let found = single(parameter, in: line) {
                all.append(found)
            }
        }
        for parameter in declaration.unwanted {
            let there = line.filter {
                $0.key == parameter.key && (parameter.value == nil || $0.means(parameter))
            }
            if !there.isEmpty { all.append(gone(there)) }
        }
        for parameter in former where line.contains(parameter) { all.append(gone([parameter])) }
        return all
    }

    /// The first wanted parameter that a line lacks or has with another value.
    static func missing(
        _ wanted: [KernelParameter], in line: [KernelParameter]
    ) -> KernelParameter? {
        wanted.first { parameter in
            if KernelParameter.hugepageKeys.contains(parameter.key) {
                return group(wanted, in: line) != nil
            }
            return single(parameter, in: line) != nil
        }
    }

    private static func gone(_ found: [KernelParameter]) -> Difference {
        Difference(
            attribute: found[0].key, before: found.map(\.shown).joined(separator: " "), after: nil)
    }

    private static func single(
        _ parameter: KernelParameter, in line: [KernelParameter]
    ) -> Difference? {
        if parameter.isRepeatable {
            if line.contains(where: parameter.means) { return nil }
            return Difference(attribute: parameter.key, before: nil, after: parameter.shown)
        }
        let there = line.filter { $0.key == parameter.key }
        if !there.isEmpty, there.allSatisfy(parameter.means) { return nil }
        return Difference(
            attribute: parameter.key,
            before: there.isEmpty ? nil : there.map(\.shown).joined(separator: " "),
            after: parameter.shown)
    }

    private static func group(
        _ wanted: [KernelParameter], in line: [KernelParameter]
    ) -> Difference? {
        func group(_ parameters: [KernelParameter]) -> [String] {
            parameters.filter { KernelParameter.hugepageKeys.contains($0.key) }.map(\.text)
        }
        let there = group(line)
        let declared = group(wanted)
        if there.map({ $0.uppercased() }) == declared.map({ $0.uppercased() }) { return nil }
        return Difference(
            attribute: "hugepages", before: there.isEmpty ? nil : there.joined(separator: " "),
            after: declared.joined(separator: " "))
    }

    /// A command line after a set was put in place.
    ///
    /// Unwanted, former and replaced parameters are removed; wanted ones are appended.
    static func edited(
        _ line: [KernelParameter], wanted: [KernelParameter], unwanted: [KernelParameter],
        former: [KernelParameter]
    ) -> [KernelParameter] {
        let groupIsOurs = wanted.contains { KernelParameter.hugepageKeys.contains($0.key) }
        let rest = line.filter { parameter in
            if former.contains(parameter) { return false }
            if KernelParameter.hugepageKeys.contains(parameter.key) { return !groupIsOurs }
            let isReplaced = wanted.contains {
                $0.key == parameter.key && (!$0.isRepeatable || $0.means(parameter))
            }
            let isUnwanted = unwanted.contains {
                $0.key == parameter.key && ($0.value == nil || $0.means(parameter))
            }
            return !isReplaced && !isUnwanted
        }
        return rest + wanted
    }
}

extension KernelParameter {
    /// The text for a change's before and after: the value, or the key of a parameter without one.
    fileprivate var shown: String { value ?? text }
}
