import Diagnostics
import Values

/// Builds nodes from libyaml's events: anchors and aliases, merge keys, duplicate keys, limits.
///
/// Faults that leave the structure readable are collected; only syntax errors and exceeded limits
/// end the reading.
struct NodeBuilder: ~Copyable {
    private var events: EventStream
    private let places: PlaceFinder
    private let limits: YAMLLimits
    private var faults: [Diagnostic] = []
    private var anchors: [String: Anchor] = [:]
    /// Anchors of lists and maps that are still being read.
    private var openAnchors: Set<String> = []
    /// The number of nodes that aliases have added so far.
    private var aliased = 0

    private struct Anchor {
        let node: Node
        let size: Int
        let height: Int
    }

    /// A finished node, its number of nodes with every alias expanded, and its depth.
    private struct Built {
        var node: Node
        var size = 1
        var height = 0
    }

    /// Reading cannot continue; `faults` holds the reason.
    private struct Stop: Error {}

    init(events: consuming EventStream, places: PlaceFinder, limits: YAMLLimits) {
        self.events = events
        self.places = places
        self.limits = limits
    }

    /// The only document of the stream.
    mutating func read() throws(Faults) -> Node? {
        var root: Node?
        do {
            root = try document()
        } catch {
            throw Faults(faults)
        }
        if !faults.isEmpty { throw Faults(faults) }
        return root
    }

    private mutating func document() throws(Stop) -> Node? {
        _ = try next()
        guard case .documentStart = try next().kind else { return nil }
        let first = try next()
        let root = try node(first, depth: 0).node
        _ = try next()
        let after = try next()
        if case .documentStart = after.kind {
            try stop(
                Diagnostic(
                    "yaml-documents", "a second document starts here",
                    at: places.place(after.start),
                    cause: "one file holds one document",
                    hint: "remove the --- line, or move what follows to another file"))
        }
        if let scalar = root.scalar, scalar.text.isEmpty, scalar.isPlain, root.tag == nil {
            return nil
        }
        return root
    }

    private mutating func next() throws(Stop) -> Event {
        do {
            return try events.next()
        } catch {
            let fault = SyntaxExplanation(error, places).diagnostic
            // An unquoted template is found once as such, and again where its text continues.
            if fault.place == faults.last?.place { faults.removeLast() }
            faults.append(fault)
            throw Stop()
        }
    }

    private mutating func add(_ fault: Diagnostic) throws(Stop) {
        faults.append(fault)
        if faults.count >= limits.faults { throw Stop() }
    }

    private mutating func stop(_ fault: Diagnostic) throws(Stop) {
        faults.append(fault)
        throw Stop()
    }

    // MARK: Nodes

    private mutating func node(_ event: Event, depth: Int) throws(Stop) -> Built {
        if depth > limits.depth { try stop(tooDeep(places.place(event.start))) }
        switch event.kind {
        case .alias(let name): return try alias(name, event, depth: depth)
        case .scalar(let text, let style):
            let built = Built(node: try scalar(text, style, event))
            remember(built, event.anchor)
            return built
        case .listStart:
            if let anchor = event.anchor { openAnchors.insert(anchor) }
            let built = try list(event, depth: depth)
            remember(built, event.anchor)
            return built
        case .mapStart(let isFlow):
            if let anchor = event.anchor { openAnchors.insert(anchor) }
            let built = try map(event, isFlow: isFlow, depth: depth)
            remember(built, event.anchor)
            return built
        default:
            // libyaml produces no other event where a node belongs.
            try stop(
                Diagnostic(
                    "yaml-syntax", "a value is expected here", at: places.place(event.start)))
            throw Stop()
        }
    }

    private func tooDeep(_ place: Place) -> Diagnostic {
        Diagnostic(
            "yaml-depth", "nested deeper than \(limits.depth) lists and maps", at: place,
            hint: "flatten the structure")
    }

    private mutating func remember(_ built: Built, _ anchor: String?) {
        guard let anchor else { return }
        openAnchors.remove(anchor)
        anchors[anchor] = Anchor(node: built.node, size: built.size, height: built.height)
    }

    private mutating func alias(
        _ name: String, _ event: Event, depth: Int
    ) throws(Stop) -> Built {
        let place = places.place(from: event.start, to: event.end)
        let nothing = Built(node: emptyNode(at: place))
        if openAnchors.contains(name) {
            try add(
                Diagnostic(
                    "yaml-alias", "the alias *\(name) is inside the value it refers to", at: place,
                    cause: "it would contain itself endlessly",
                    hint: "name another anchor, or write the value out"))
            return nothing
        }
        guard let anchor = anchors[name] else {
            try add(
                Diagnostic(
                    "yaml-alias", "no anchor &\(name) comes before the alias *\(name)", at: place,
                    hint: NearestName.hint(for: name, in: anchors.keys.sorted())
                        ?? "define &\(name) above, or quote the text if the * is meant literally"))
            return nothing
        }
        try count(anchor.size, at: place)
        if depth + anchor.height > limits.depth { try stop(tooDeep(place)) }
        return Built(node: anchor.node, size: anchor.size, height: anchor.height)
    }

    /// Counts nodes that an alias or a merge adds: protects against a small file that expands to a
    /// huge one.
    private mutating func count(_ size: Int, at place: Place) throws(Stop) {
        aliased += size
        guard aliased > limits.aliasedNodes else { return }
        try stop(
            Diagnostic(
                "yaml-expansion", "aliases expand to more than \(limits.aliasedNodes) nodes",
                at: place, cause: "aliases of aliases multiply",
                hint: "write fewer aliases inside aliased values"))
    }

    private func emptyNode(at place: Place) -> Node {
        Node(.scalar(Scalar(text: "", style: .plain, reading: .null)), at: place)
    }

    private mutating func scalar(
        _ text: String, _ style: Scalar.Style, _ event: Event
    ) throws(Stop) -> Node {
        let place = places.place(from: event.start, to: event.end)
        let tags = TagReading(text: text, style: style, tag: event.tag)
        if let fault = tags.fault(at: place) { try add(fault) }
        return Node(
            .scalar(Scalar(text: text, style: style, reading: tags.reading ?? .string(text))),
            at: place, tag: tags.keptTag)
    }

    private mutating func list(_ event: Event, depth: Int) throws(Stop) -> Built {
        let place = places.place(event.start)
        if let fault = TagReading.fault(ofCollection: event.tag, "seq", at: place) {
            try add(fault)
        }
        var nodes: [Node] = []
        var size = 1
        var height = 0
        while true {
            let item = try next()
            if case .listEnd = item.kind { break }
            let built = try node(item, depth: depth + 1)
            nodes.append(built.node)
            size += built.size
            height = max(height, built.height + 1)
        }
        let tag = TagReading.kept(event.tag)
        return Built(node: Node(.list(nodes), at: place, tag: tag), size: size, height: height)
    }

    private mutating func map(_ event: Event, isFlow: Bool, depth: Int) throws(Stop) -> Built {
        let place = places.place(event.start)
        if let fault = TagReading.fault(ofCollection: event.tag, "map", at: place) {
            try add(fault)
        }
        var gathering = MapGathering()
        var size = 1
        var height = 0
        while true {
            let keyEvent = try next()
            if case .mapEnd = keyEvent.kind { break }
            if isFlow, case .mapStart(true) = keyEvent.kind,
                keyEvent.start.index == event.start.index + 1
            {
                return Built(node: try unquotedTemplate(event))
            }
            let key = try node(keyEvent, depth: depth + 1)
            let value = try node(try next(), depth: depth + 1)
            size += key.size + value.size
            height = max(height, key.height + 1, value.height + 1)
            if key.node.scalar == nil {
                try add(
                    Diagnostic(
                        "yaml-key", "a key must be a single value, not \(key.node.kindText)",
                        at: key.node.place, hint: "quote the key if it is meant as text"))
            } else if key.node.isMergeKey {
                try count(value.size, at: key.node.place)
                size += value.size
                for fault in gathering.merge(value.node, key: key.node) { try add(fault) }
            } else if let fault = gathering.add(key.node, value.node) {
                try add(fault)
            }
        }
        let tag = TagReading.kept(event.tag)
        return Built(
            node: Node(.map(gathering.entries), at: place, tag: tag), size: size, height: height)
    }

    /// Skips an unquoted `{{ x }}`, which YAML reads as a map whose key is a map.
    private mutating func unquotedTemplate(_ start: Event) throws(Stop) -> Node {
        // Both braces are open; the inner one is closed first.
        var open = 2
        var end = start.end
        while open > 0 {
            let event = try next()
            end = event.end
            switch event.kind {
            case .mapStart, .listStart: open += 1
            case .mapEnd, .listEnd: open -= 1
            default: break
            }
        }
        let place = places.place(from: start.start, to: end)
        try add(UnquotedTemplate.diagnostic(at: place))
        return Node(
            .scalar(Scalar(text: "", style: .doubleQuoted, reading: .string(""))), at: place)
    }
}
