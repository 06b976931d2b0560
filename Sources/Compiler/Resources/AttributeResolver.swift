import Diagnostics
import FleetModel
import Kinds
import Templates
import Values
import Wire

/// Computes the attributes of one resource in their normal form for the plan.
struct AttributeResolver {
    let definition: ResourceDefinition
    let role: RoleDefinition
    let digests: FileDigests
    let context: TemplateContext
    /// The name of the resource in messages: `file /etc/motd`.
    let label: String
    private(set) var attributes: [String: JSON] = [:]
    private(set) var blobs: [Blob] = []
    private(set) var faults = DiagnosticBag()

    init(
        _ definition: ResourceDefinition, of role: RoleDefinition, label: String,
        digests: FileDigests, context: TemplateContext
    ) {
        self.definition = definition
        self.role = role
        self.label = label
        self.digests = digests
        self.context = context
    }

    /// Computes all attributes; faults are collected.
    mutating func run() {
        let schema = definition.kind.schema
        if schema.states.count > 1, schema.attribute("state") == nil,
            let first = schema.states.first
        {
            attributes["state"] = .string(first)
        }
        for attribute in schema.attributes where !attribute.isResolvedByController {
            if let value = attribute.defaultValue { attributes[attribute.name] = value }
        }
        for (attribute, source) in definition.attributes {
            do throws(Faults) {
                let value = try Self.value(
                    of: source, as: attribute.type, what: "\(attribute.name) of \(label)", context)
                if value == .null {
                    if attribute.isRequired {
                        throw Faults(
                            Diagnostic(
                                "wrong-type", "\(attribute.name) of \(label) is null",
                                at: source.place))
                    }
                } else if attribute.isResolvedByController {
                    try resolveContent(attribute.name, value, at: source.place)
                } else {
                    attributes[attribute.name] = try json(of: value, attribute, at: source.place)
                }
            } catch {
                faults.add(error)
            }
        }
    }

    /// The typed value of a source.
    static func value(
        of source: AttributeSource, as type: ValueType, what: String, _ context: TemplateContext
    ) throws(Faults) -> Value {
        switch source {
        case .constant(let value, _): value
        case .computed(let source):
            try TypedReading.value(of: source, as: type, what: what, in: context)
        }
    }

    /// The JSON for the plan: a secret becomes its digest, if the attribute allows secrets.
    private mutating func json(
        of value: Value, _ attribute: AttributeSchema, at place: Place
    ) throws(Faults) -> JSON {
        guard value.holdsSecret else { return value.json }
        guard attribute.type == .secret, let text = value.json.string else {
            throw Faults(
                Diagnostic(
                    "shown-secret",
                    "\(attribute.name) of \(label) is computed from a secret and would reveal it",
                    at: place,
                    hint: "put the secret into the content or template of a file: the plan then "
                        + "contains only its digest"))
        }
        let blob = Blob(bytes: Array(text.utf8), isSecret: true)
        blobs.append(blob)
        return ["secret": .string(blob.digest.description)]
    }

    // MARK: Content

    /// Turns `content`, `template` or `source` into a blob and its digest.
    private mutating func resolveContent(
        _ attribute: String, _ value: Value, at place: Place
    ) throws(Faults) {
        if attributes["content_digest"] != nil {
            throw Faults(
                Diagnostic(
                    "two-contents", "\(label) has two sources of content", at: place,
                    hint: "give one of content, template and source"))
        }
        switch attribute {
        case "content":
            add(Blob(bytes: try bytes(of: value, attribute, place), isSecret: value.holdsSecret))
        case "template": add(try render(try name(of: value, attribute, place), at: place))
        default: add(try file(try name(of: value, attribute, place), at: place))
        }
    }

    private func bytes(
        of value: Value, _ attribute: String, _ place: Place
    ) throws(Faults) -> [UInt8] {
        guard case .string(let text) = value.revealed else {
            throw Faults(
                Diagnostic("wrong-type", "\(attribute) of \(label) is not a string", at: place))
        }
        return Array(text.utf8)
    }

    private func name(
        of value: Value, _ attribute: String, _ place: Place
    ) throws(Faults) -> String {
        guard case .string(let name) = value else {
            throw Faults(
                Diagnostic(
                    "shown-secret",
                    "\(attribute) of \(label) has a file name computed from a secret", at: place))
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) {
            throw Faults(
                Diagnostic(
                    "bad-path", "\"\(name)\" is not a file of the role \(role.name)",
                    at: place,
                    hint: "use a path inside the role's folder, without .. or leading /"))
        }
        return name
    }

    private func render(_ name: String, at place: Place) throws(Faults) -> Blob {
        guard let template = role.templates.templates[name] else {
            throw Faults(role.templates.missing(name, at: place))
        }
        let rendered = try template.render(context)
        return Blob(bytes: Array(rendered.text.utf8), isSecret: rendered.isSecret)
    }

    private func file(_ name: String, at place: Place) throws(Faults) -> Blob {
        let path = role.filesFolder + "/" + name
        do {
            let found = try digests.of(path)
            return Blob(file: path, digest: found.digest, size: found.size)
        } catch {
            throw Faults(
                Diagnostic(
                    error == .missing ? "missing-file" : "unreadable",
                    "cannot read \(path) for \(label)", at: place, cause: error.text,
                    hint: error.hint))
        }
    }

    private mutating func add(_ blob: Blob) {
        blobs.append(blob)
        attributes["content_digest"] = .string(blob.digest.description)
        attributes["content_size"] = .integer(blob.size)
        if blob.isSecret { attributes["content_secret"] = true }
    }
}
