import Wire

/// An isolation plan as text: a map of the machine, the CPU sets, and every setting that follows.
package struct IsolationText: Sendable {
    private let style: Style
    private let width: Int

    package init(style: Style, width: Int = 100) {
        self.style = style
        self.width = width
    }

    /// Renders the result of `IsolationPlan.json`; throws if the JSON has another form.
    package func render(_ view: JSON) throws(JSONError) -> String {
        guard let host = view["host"]?.string, let nodes = view["machine"]?.array else {
            throw JSONError("the isolation plan has no host or no machine")
        }
        var lines = [style(host, .strong)]
        for node in nodes { lines += map(of: node) }
        lines.append(legend(view))
        lines.append("")
        let names = ["housekeeping", "isolated", "hot", "parked"]
        for name in names {
            let list = view[name]?.string ?? ""
            lines.append("  \(padded(name, 14))\(list.isEmpty ? "none" : list)")
        }
        lines += settings(view["settings"]?.array ?? [])
        for finding in view["findings"]?.array ?? [] {
            lines.append("note: \(finding.string ?? "")")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: The map

    private func map(of node: JSON) -> [String] {
        var head = "  node " + (node["node"]?.integer.map(String.init) ?? "unknown")
        let packages = (node["packages"]?.array ?? []).compactMap(\.integer).map(String.init)
        if !packages.isEmpty { head += "   package \(packages.joined(separator: ", "))" }
        let interfaces = (node["interfaces"]?.array ?? []).compactMap(\.string)
        if !interfaces.isEmpty { head += "   NICs \(interfaces.joined(separator: ", "))" }
        var lines = [head]
        let cores = (node["cores"]?.array ?? []).map { $0.array ?? [] }
        let digits = cores.flatMap { $0 }.compactMap { $0["cpu"]?.integer }.max().map {
            String($0).count
        }
        var line = "   "
        // Counted separately, because colour codes in the line have no width.
        var column = 3
        for core in cores {
            let cell = "[" + core.map { thread($0, digits ?? 1) }.joined(separator: " ") + "]"
            let cellWidth = core.count * ((digits ?? 1) + 2) + 2
            if column + cellWidth > width, column > 3 {
                lines.append(line)
                (line, column) = ("   ", 3)
            }
            line += " " + cell
            column += cellWidth
        }
        if column > 3 { lines.append(line) }
        return lines
    }

    private func thread(_ thread: JSON, _ digits: Int) -> String {
        let number = String(thread["cpu"]?.integer ?? 0)
        let pad = String(repeating: " ", count: max(0, digits - number.count))
        switch thread["role"]?.string {
        case "hot": return pad + style(number + "*", .good)
        case "isolated": return pad + style(number + "i", .change)
        case "parked": return pad + style(number + "-", .quiet)
        case "offline": return pad + style(number + "x", .quiet)
        default: return pad + number + "h"
        }
    }

    /// The legend, with only the roles that the map shows.
    private func legend(_ view: JSON) -> String {
        let text = view["machine"]?.canonicalText ?? ""
        let meanings = [
            ("housekeeping", "h housekeeping"), ("hot", "* hot: pin here"),
            ("isolated", "i isolated"), ("parked", "- parked: leave idle"),
            ("offline", "x off"),
        ]
        return "  "
            + meanings.filter { text.contains("\"\($0.0)\"") }.map(\.1).joined(separator: "   ")
            + "   [one core]"
    }

    // MARK: The settings

    private func settings(_ settings: [JSON]) -> [String] {
        var lines: [String] = []
        var place = ""
        let shown = settings.map { setting in
            let name = setting["name"]?.string ?? ""
            let value = setting["value"]?.string ?? ""
            return value.isEmpty ? name : "\(name)=\(value)"
        }
        let longest = min(shown.map(\.count).max() ?? 0, 60)
        for (setting, text) in zip(settings, shown) {
            if setting["place"]?.string != place {
                place = setting["place"]?.string ?? ""
                lines += ["", "  " + style(place, .strong)]
            }
            lines.append("    \(padded(text, longest))   \(setting["reason"]?.string ?? "")")
        }
        return lines
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
