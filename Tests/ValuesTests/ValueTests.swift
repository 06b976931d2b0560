import Testing
import Wire

@testable import Values

@Suite struct ValueTests {
    @Test func mapsKeepTheOrderOfTheirKeys() {
        var map = ValueMap([("b", .integer(1)), ("a", .integer(2)), ("b", .integer(3))])
        #expect(map.keys == ["b", "a"])
        #expect(map["b"] == .integer(3))
        map["c"] = .null
        map["b"] = nil
        map["nosuch"] = nil
        #expect(map.keys == ["a", "c"])
        #expect(map.pairs.map(\.key) == ["a", "c"])
        #expect(map.count == 2)
        #expect(ValueMap().isEmpty)
    }

    @Test func mapsAreEqualInWhateverOrder() {
        let one = ValueMap([("a", .integer(1)), ("b", .null)])
        let two = ValueMap([("b", .null), ("a", .integer(1))])
        #expect(one == two)
        #expect(Set([Value.map(one), .map(two)]).count == 1)
        #expect(one != ValueMap([("a", .integer(1))]))
    }

    @Test func nullAndAbsentDiffer() {
        let map = ValueMap([("a", .null)])
        #expect(map["a"] == Value.null)
        #expect(map["b"] == nil)
    }

    @Test func secretsAreFoundHoweverDeep() {
        let secret = Value.secret(.string("hunter2"))
        let deep = Value.list([.integer(1), .map(ValueMap([("k", .list([secret]))]))])
        #expect(deep.holdsSecret)
        #expect(secret.holdsSecret)
        #expect(!Value.list([.map(ValueMap([("k", .string("x"))]))]).holdsSecret)
        #expect(Value.secret(secret).revealed == .string("hunter2"))
        #expect(secret != .string("hunter2"))
    }

    @Test func jsonAndBack() throws {
        let text = #"{"b":[1,1.5,true,null,"x"],"a":{"z":{},"y":-3}}"#
        let value = Value(try JSON(parsing: text))
        guard case .map(let map) = value else {
            Issue.record("no map")
            return
        }
        #expect(map.keys == ["a", "b"])
        #expect(value.json == (try JSON(parsing: text)))
        #expect(Value.secret(.integer(1)).json == 1)
        #expect(Value.integer(1) != .number(1))
    }

    @Test func everyKindHasAName() {
        let values: [Value] = [
            .null, .bool(true), .integer(1), .number(1), .string(""), .list([]), .map(ValueMap()),
            .secret(.null),
        ]
        #expect(
            values.map(\.kindText) == [
                "null", "a boolean", "an integer", "a number", "a string", "a list", "a map",
                "a secret",
            ])
    }
}
