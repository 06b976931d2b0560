import Wire

/// A type of the shared vocabulary: it has exactly one JSON form, read strictly.
package protocol ModelCodable: Sendable {
    var json: JSON { get }
    init(json: JSON) throws(JSONError)
}

/// Reads the members of an object: each once, with no member left unread.
package struct MemberReader {
    private let type: String
    private var left: [String: JSON]

    /// Begins to read an object; `type` names it in errors.
    package init(_ json: JSON, as type: String) throws(JSONError) {
        guard let members = json.object else { throw JSONError("\(type) is not an object") }
        self.type = type
        left = members
    }

    /// A member that may be missing or null.
    package mutating func optional(_ key: String) -> JSON? {
        guard let value = left.removeValue(forKey: key), value != .null else { return nil }
        return value
    }

    /// A member that must be present.
    package mutating func required(_ key: String) throws(JSONError) -> JSON {
        guard let value = left.removeValue(forKey: key) else {
            throw JSONError("\(type) has no \"\(key)\"")
        }
        return value
    }

    package mutating func string(_ key: String) throws(JSONError) -> String {
        guard let value = try required(key).string else { throw wrong(key, "a string") }
        return value
    }

    package mutating func optionalString(_ key: String) throws(JSONError) -> String? {
        guard let json = optional(key) else { return nil }
        guard let value = json.string else { throw wrong(key, "a string") }
        return value
    }

    package mutating func integer(_ key: String) throws(JSONError) -> Int {
        guard let value = try required(key).integer else { throw wrong(key, "an integer") }
        return value
    }

    package mutating func optionalInteger(_ key: String) throws(JSONError) -> Int? {
        guard let json = optional(key) else { return nil }
        guard let value = json.integer else { throw wrong(key, "an integer") }
        return value
    }

    package mutating func bool(_ key: String, default: Bool = false) throws(JSONError) -> Bool {
        guard let json = optional(key) else { return `default` }
        guard let value = json.bool else { throw wrong(key, "a boolean") }
        return value
    }

    package mutating func strings(_ key: String) throws(JSONError) -> [String] {
        guard let json = optional(key) else { return [] }
        let all = json.array?.compactMap(\.string)
        guard let all, all.count == json.array?.count else { throw wrong(key, "a list of strings") }
        return all
    }

    package mutating func object(_ key: String) throws(JSONError) -> [String: JSON] {
        guard let json = optional(key) else { return [:] }
        guard let value = json.object else { throw wrong(key, "an object") }
        return value
    }

    package mutating func digest(_ key: String) throws(JSONError) -> Digest {
        guard let value = Digest(try string(key)) else { throw wrong(key, "a SHA-256 digest") }
        return value
    }

    /// A member that is one of an enumeration's names.
    package mutating func name<T: RawRepresentable>(
        _ key: String, _: T.Type = T.self
    ) throws(JSONError) -> T where T.RawValue == String {
        let text = try string(key)
        guard let value = T(rawValue: text) else {
            throw JSONError("\(type) has an unknown \(key) \"\(text)\"")
        }
        return value
    }

    package mutating func models<T: ModelCodable>(
        _ key: String, _: T.Type = T.self
    ) throws(JSONError) -> [T] {
        guard let json = optional(key) else { return [] }
        guard let elements = json.array else { throw wrong(key, "a list") }
        var all: [T] = []
        for element in elements { all.append(try T(json: element)) }
        return all
    }

    /// Ends the reading; a member that was not read is an error.
    package func end() throws(JSONError) {
        if let key = left.keys.min() { throw JSONError("\(type) has an unknown member \"\(key)\"") }
    }

    private func wrong(_ key: String, _ wanted: String) -> JSONError {
        JSONError("\"\(key)\" of \(type) is not \(wanted)")
    }
}
