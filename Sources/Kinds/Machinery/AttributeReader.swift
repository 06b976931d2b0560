import FleetModel
import Wire

/// Reads attributes that the schema has already typed into Swift values.
///
/// The agent checks a received plan again: a wrong type throws a fault and never traps.
package struct AttributeReader {
    private let attributes: [String: JSON]

    package init(_ attributes: [String: JSON]) { self.attributes = attributes }

    /// Whether the attribute is given (null counts as not given).
    package func has(_ name: String) -> Bool { (attributes[name] ?? .null) != .null }

    package func optionalString(_ name: String) throws(AttributeFault) -> String? {
        guard has(name) else { return nil }
        guard let value = attributes[name]?.string else {
            throw AttributeFault(name, "\(name) is not a string")
        }
        return value
    }

    package func string(_ name: String) throws(AttributeFault) -> String {
        guard let value = try optionalString(name) else {
            throw AttributeFault(name, "\(name) is missing")
        }
        return value
    }

    package func optionalBool(_ name: String) throws(AttributeFault) -> Bool? {
        guard has(name) else { return nil }
        guard let value = attributes[name]?.bool else {
            throw AttributeFault(name, "\(name) is not a boolean")
        }
        return value
    }

    package func bool(_ name: String, default: Bool) throws(AttributeFault) -> Bool {
        try optionalBool(name) ?? `default`
    }

    package func optionalInteger(_ name: String) throws(AttributeFault) -> Int? {
        guard has(name) else { return nil }
        guard let value = attributes[name]?.integer else {
            throw AttributeFault(name, "\(name) is not an integer")
        }
        return value
    }

    package func optionalStrings(_ name: String) throws(AttributeFault) -> [String]? {
        guard has(name) else { return nil }
        guard let elements = attributes[name]?.array else {
            throw AttributeFault(name, "\(name) is not a list")
        }
        let strings = elements.compactMap(\.string)
        guard strings.count == elements.count else {
            throw AttributeFault(name, "\(name) is not a list of strings")
        }
        return strings
    }

    /// Reads a CPU list in its normal form, `0-3,8`; an empty list is a fault.
    package func optionalCPUs(_ name: String) throws(AttributeFault) -> CPUList? {
        guard let text = try optionalString(name) else { return nil }
        let list: CPUList
        do throws(ValueFault) {
            list = try CPUList(parsing: text)
        } catch {
            throw AttributeFault(name, error.message, hint: error.hint)
        }
        if list.isEmpty { throw AttributeFault(name, "\(name) names no CPU", hint: "leave it out") }
        return list
    }

    /// The declared `state`, or the first state of the schema if none is given.
    package func state(of schema: KindSchema) throws(AttributeFault) -> String {
        let state = try optionalString("state") ?? schema.states.first ?? "present"
        guard schema.states.contains(state) else {
            throw AttributeFault(
                "state",
                "\"\(state)\" is not a state: one of \(schema.states.joined(separator: ", "))")
        }
        return state
    }

    /// Throws if one of the attributes is given, because it has no meaning here.
    package func refuse(_ names: [String], because reason: String) throws(AttributeFault) {
        for name in names where has(name) {
            throw AttributeFault(name, "\(name) has no meaning \(reason)", hint: "remove it")
        }
    }

    /// Reads permission bits in their normal form, `0644`.
    package func optionalMode(_ name: String) throws(AttributeFault) -> UInt32? {
        guard let text = try optionalString(name) else { return nil }
        guard let bits = UInt32(text, radix: 8), bits <= 0o7777 else {
            throw AttributeFault(name, "\(name) is not an octal mode")
        }
        return bits
    }

    package func optionalDigest(_ name: String) throws(AttributeFault) -> Digest? {
        guard let text = try optionalString(name) else { return nil }
        guard let digest = Digest(text) else {
            throw AttributeFault(name, "\(name) is not a SHA-256 digest")
        }
        return digest
    }

    /// Reads the digest of a secret from `{"secret": DIGEST}`.
    package func optionalSecret(_ name: String) throws(AttributeFault) -> Digest? {
        guard has(name) else { return nil }
        guard let text = attributes[name]?["secret"]?.string, let digest = Digest(text) else {
            throw AttributeFault(name, "\(name) is not a secret")
        }
        return digest
    }
}
