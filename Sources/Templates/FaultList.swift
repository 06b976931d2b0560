import Diagnostics

/// The faults found while one template is parsed.
struct FaultList {
    let origin: Origin
    private(set) var all: [Diagnostic] = []
    /// The largest number of faults that are reported.
    private static let limit = 20

    init(origin: Origin) { self.origin = origin }

    mutating func add(_ fault: SyntaxFault) {
        guard all.count < Self.limit else { return }
        all.append(
            Diagnostic(
                .error, fault.code, fault.summary, at: origin.place(fault.start, fault.end),
                cause: fault.cause, hint: fault.hint,
                related: fault.related.map {
                    Diagnostic.Related(origin.place($0.start, $0.end), $0.text)
                }))
    }

    func throwIfAny() throws(Faults) {
        guard !all.isEmpty else { return }
        throw Faults(
            all.enumerated().sorted {
                guard let a = $0.element.place, let b = $1.element.place, a != b else {
                    return $0.offset < $1.offset
                }
                return a < b
            }.map(\.element))
    }
}

/// One fault of the syntax, with offsets instead of a place.
struct SyntaxFault: Error {
    var code: String
    var summary: String
    var start: Int
    var end: Int
    var cause: String?
    var hint: String?
    var related: [(start: Int, end: Int, text: String)] = []

    init(
        _ summary: String, _ start: Int, _ end: Int, cause: String? = nil, hint: String? = nil
    ) {
        self.init("template-syntax", summary, start, end, cause: cause, hint: hint)
    }

    init(
        _ code: String, _ summary: String, _ start: Int, _ end: Int,
        cause: String? = nil, hint: String? = nil
    ) {
        self.code = code
        self.summary = summary
        self.start = start
        self.end = end
        self.cause = cause
        self.hint = hint
    }
}
