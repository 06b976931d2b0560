import Diagnostics

/// Reads YAML text into nodes with places.
package enum YAMLReader {
    /// The only document of a text; nil if the text is empty or has only comments.
    ///
    /// Throws every fault found: all duplicate keys, unknown tags and unquoted templates up to the
    /// first syntax error, at which libyaml stops.
    package static func parse(
        _ source: SourceText, limits: YAMLLimits = YAMLLimits()
    ) throws(Faults) -> Node? {
        if source.text.utf8.count > limits.bytes {
            throw Faults(
                Diagnostic(
                    "too-large", "\(source.name) is larger than \(limits.bytes >> 20) MiB",
                    at: Place(source: source, line: 1, column: 1),
                    hint: "split it into a folder of smaller files"))
        }
        let survey = TextSurvey(source)
        if !survey.faults.isEmpty { throw Faults(survey.faults) }
        // A byte-order mark at the start does not belong to the document.
        let text = source.text.utf8.dropFirst(survey.hasByteOrderMark ? 3 : 0)
        guard let events = EventStream(text) else {
            throw Faults(Diagnostic("out-of-memory", "no memory to read \(source.name)"))
        }
        var builder = NodeBuilder(
            events: events, places: PlaceFinder(source, survey: survey), limits: limits)
        return try builder.read()
    }
}
