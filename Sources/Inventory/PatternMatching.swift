import Diagnostics
import Linux
import _StringProcessing

extension InventorySet {
    /// The hosts that patterns match, in inventory order for each term, each once.
    ///
    /// Terms are separated by `:` or `,`, or given as several texts. First all plain terms add
    /// hosts, then `&` keeps only hosts that it also matches, then `!` removes hosts. A term is a
    /// group or host, a glob, a regular expression after `~` (Swift's syntax, which accepts nearly
    /// all of Python's; it must match from the start of a name), a group with `[0]`, `[-1]`,
    /// `[1:3]` (both ends included), `[1:]`, or `@file` with one pattern per line. Without any
    /// pattern, all hosts match.
    ///
    /// `limit` keeps only hosts that these patterns match as well. A term that matches nothing is a
    /// fault at the place (nil: the command line), and so is an empty result.
    package func hosts(
        matching patterns: [String], limit: [String] = [], at place: Place? = nil,
        machine: (any Machine)? = nil
    ) throws(Faults) -> [String] {
        let found = try indices(patterns, at: place, machine)
        guard !limit.isEmpty else { return found.map { hostRecords[$0].name } }
        let allowed = Set(try indices(limit, at: nil, machine))
        let kept = found.filter(allowed.contains)
        if kept.isEmpty {
            throw Faults(
                Diagnostic(
                    "no-hosts", "no host is left of \"\(patterns.joined(separator: ","))\"",
                    at: place,
                    cause: "--limit \"\(limit.joined(separator: ","))\" keeps none of them",
                    hint: "muster inventory --graph shows the groups", exitCode: .usage))
        }
        return kept.map { hostRecords[$0].name }
    }

    private func indices(
        _ texts: [String], at place: Place?, _ machine: (any Machine)?
    ) throws(Faults) -> [Int] {
        var bag = DiagnosticBag()
        var terms: [HostPattern] = []
        for text in try expandFiles(texts.flatMap(HostPattern.split), at: place, machine) {
            do {
                terms.append(try HostPattern(text))
            } catch {
                bag.add(Self.placed(error, place))
            }
        }
        if !terms.contains(where: { $0.role == .add }) {
            terms.append(try HostPattern("all"))
        }
        var found: [Int] = []
        for role in [HostPattern.Role.add, .keep, .remove] {
            for term in terms where term.role == role {
                do {
                    let matched = try hosts(of: term)
                    switch role {
                    case .add:
                        let seen = Set(found)
                        found += matched.filter { !seen.contains($0) }
                    case .keep:
                        let kept = Set(matched)
                        found.removeAll { !kept.contains($0) }
                    case .remove:
                        let removed = Set(matched)
                        found.removeAll(where: removed.contains)
                    }
                } catch {
                    bag.add(Self.placed(error, place))
                }
            }
        }
        try bag.throwIfErrors()
        if found.isEmpty {
            throw Self.placed(
                Faults(
                    Diagnostic(
                        "no-hosts", "\"\(texts.joined(separator: ","))\" matches no host",
                        cause: hostRecords.isEmpty ? "the inventory has no hosts" : nil,
                        hint: "muster inventory --graph shows the groups", exitCode: .usage)), place
            )
        }
        return found
    }

    /// Faults of the command line have no place; faults in a file are bad input.
    private static func placed(_ faults: Faults, _ place: Place?) -> Faults {
        guard let place else { return faults }
        return Faults(
            faults.all.map { fault in
                var fault = fault
                fault.place = place
                fault.exitCode = .badInput
                return fault
            })
    }

    private func expandFiles(
        _ terms: [String], at place: Place?, _ machine: (any Machine)?
    ) throws(Faults) -> [String] {
        var all: [String] = []
        for term in terms {
            guard term.hasPrefix("@") else {
                all.append(term)
                continue
            }
            let path = String(term.dropFirst())
            guard let machine else {
                throw Self.placed(
                    Faults(
                        Diagnostic(
                            "host-pattern", "\"\(term)\" can only be given on the command line",
                            exitCode: .usage)), place)
            }
            let files = InventoryFiles(
                machine: machine, workingDirectory: InventoryFiles.currentDirectory())
            var bag = DiagnosticBag()
            let source = files.source(path, &bag)
            try bag.throwIfErrors()
            for line in (source?.text ?? "").split(separator: "\n") {
                let line = String(line).trimmingSpaces()
                if !line.isEmpty, !line.hasPrefix("#") { all += HostPattern.split(line) }
            }
        }
        return all
    }

    // MARK: One term

    private func hosts(of term: HostPattern) throws(Faults) -> [Int] {
        let found = try matches(term)
        guard let part = term.part else { return found }
        var wanted: [Int]
        switch part {
        case .one(let number):
            let index = number < 0 ? found.count + number : number
            wanted = found.indices.contains(index) ? [found[index]] : []
        case .range(let first, let last):
            let end = min(last ?? found.count - 1, found.count - 1)
            wanted = first <= end ? Array(found[first...end]) : []
        }
        if wanted.isEmpty {
            throw Faults(
                Diagnostic(
                    "host-pattern", "\"\(term.text)\" is outside of its group",
                    cause: "\(term.expression) has \(found.count) hosts, counted from 0",
                    exitCode: .usage))
        }
        return wanted
    }

    private func matches(_ term: HostPattern) throws(Faults) -> [Int] {
        let name = term.expression
        if !term.isRegex {
            if let index = hostIndex[name] { return [index] }
            if let index = groupIndex[name] { return members[index] }
        }
        let isMatch = try matcher(term)
        let matchedGroups = groups.indices.filter { isMatch(groups[$0].name) }
        var found: [Int] = []
        var seen: Set<Int> = []
        for group in matchedGroups {
            found += members[group].filter { seen.insert($0).inserted }
        }
        let isSpecial = term.isRegex || name.contains { ".?*[".contains($0) }
        if matchedGroups.isEmpty || isSpecial {
            for index in members[InventoryBuilder.all] where isMatch(hostRecords[index].name) {
                if seen.insert(index).inserted { found.append(index) }
            }
        }
        if found.isEmpty, matchedGroups.isEmpty {
            let known = (groups.map(\.name) + hostRecords.map(\.name))
            throw Faults(
                Diagnostic(
                    "no-hosts", "no host or group matches \"\(term.text)\"",
                    cause: term.part == nil
                        ? nil : "numbers in brackets at the end are positions in a group",
                    hint: NearestName.hint(for: name, in: known)
                        ?? "muster inventory --graph shows the groups", exitCode: .usage))
        }
        return found
    }

    private func matcher(_ term: HostPattern) throws(Faults) -> (String) -> Bool {
        if !term.isRegex {
            let glob = Glob(term.expression)
            return glob.matches
        }
        do {
            let regex = try Regex(term.expression)
            return { name in ((try? regex.prefixMatch(in: name)) ?? nil) != nil }
        } catch {
            throw Faults(
                Diagnostic(
                    "host-pattern", "the regular expression \"\(term.expression)\" cannot be read",
                    cause: "\(error)",
                    hint: "quote it for the shell; a comma or colon ends a pattern",
                    exitCode: .usage))
        }
    }
}
