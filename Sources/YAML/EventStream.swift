import CYAML

/// A position in libyaml's count: from 0, in code points.
struct Mark: Equatable {
    var index: Int
    var line: Int
    var column: Int

    init(_ mark: yaml_mark_t) {
        index = mark.index
        line = mark.line
        column = mark.column
    }
}

/// One event of libyaml, copied out of its memory.
struct Event {
    enum Kind {
        case streamStart, streamEnd
        case documentStart, documentEnd
        case alias(String)
        case scalar(text: String, style: Scalar.Style)
        case listStart, listEnd
        case mapStart(isFlow: Bool), mapEnd
    }

    let kind: Kind
    let start: Mark
    let end: Mark
    var anchor: String?
    var tag: String?
}

/// What stopped libyaml.
struct SyntaxFault: Error {
    let problem: String
    let context: String?
    let problemMark: Mark
    let contextMark: Mark
    let isOutOfMemory: Bool
}

/// The only owner of a libyaml parser and its input.
///
/// libyaml keeps the addresses of both, so they are allocated once on the heap and freed here.
struct EventStream: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// A stream over UTF-8 bytes, which are copied; nil if memory is exhausted.
    init?(_ bytes: some Collection<UInt8>) {
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: max(1, bytes.count))
        _ = input.initialize(fromContentsOf: bytes)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            input.deallocate()
            return nil
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event; must not be called after the end of the stream or a fault.
    mutating func next() throws(SyntaxFault) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw fault }
        defer { yaml_event_delete(&event) }
        let start = Mark(event.start_mark)
        let end = Mark(event.end_mark)
        func made(
            _ kind: Event.Kind, _ anchor: UnsafeMutablePointer<UInt8>? = nil,
            _ tag: UnsafeMutablePointer<UInt8>? = nil
        ) -> Event {
            Event(
                kind: kind, start: start, end: end, anchor: Self.text(anchor), tag: Self.text(tag))
        }
        switch event.type {
        case YAML_STREAM_START_EVENT: return made(.streamStart)
        case YAML_DOCUMENT_START_EVENT: return made(.documentStart)
        case YAML_DOCUMENT_END_EVENT: return made(.documentEnd)
        case YAML_ALIAS_EVENT: return made(.alias(Self.text(event.data.alias.anchor) ?? ""))
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let text = String(decoding: bytes, as: UTF8.self)
            return made(
                .scalar(text: text, style: Self.style(scalar.style)), scalar.anchor, scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            let list = event.data.sequence_start
            return made(.listStart, list.anchor, list.tag)
        case YAML_SEQUENCE_END_EVENT: return made(.listEnd)
        case YAML_MAPPING_START_EVENT:
            let map = event.data.mapping_start
            return made(
                .mapStart(isFlow: map.style == YAML_FLOW_MAPPING_STYLE), map.anchor, map.tag)
        case YAML_MAPPING_END_EVENT: return made(.mapEnd)
        default: return made(.streamEnd)
        }
    }

    private var fault: SyntaxFault {
        let state = parser.pointee
        return SyntaxFault(
            problem: state.problem.map { String(cString: $0) } ?? "unreadable",
            context: state.context.map { String(cString: $0) },
            problemMark: Mark(state.problem_mark), contextMark: Mark(state.context_mark),
            isOutOfMemory: state.error == YAML_MEMORY_ERROR)
    }

    private static func text(_ bytes: UnsafeMutablePointer<UInt8>?) -> String? {
        bytes.map { String(cString: $0) }
    }

    private static func style(_ style: yaml_scalar_style_t) -> Scalar.Style {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }
}
