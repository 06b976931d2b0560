import Testing

@testable import Wire

@Suite struct JSONTests {
    static let readable: [(String, JSON)] = [
        ("null", JSON.null), ("true", true), (" false ", false), ("0", 0), ("-0", 0), ("-12", -12),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("1.0", .number(1)), ("1e3", .number(1000)), ("-1.5E-2", .number(-0.015)),
        ("0.1", .number(0.1)),
        (#""""#, ""), (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u00e9\ud83d\ude00""#, "é😀"), (#""é日本""#, "é日本"), ("[]", []), ("[ ]", []),
        ("[1,[2,[]]]", [1, [2, []]]), ("{}", [:]),
        ("{ \"a\" : { \"b\" : [ ] } }", ["a": ["b": []]]),
        ("\t\r\n1\n", 1),
    ]

    @Test(arguments: readable)
    func reads(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
    }

    @Test(arguments: [
        ("", "the text ends where a value should be at byte 0"), ("nul", "unknown word at byte 3"),
        ("tru", "unknown word at byte 3"), ("01", "leading zero at byte 1"),
        ("-", "expected a value at byte 1"), ("+1", "expected a value at byte 0"),
        (".5", "expected a value at byte 0"), ("1.", "expected a value at byte 2"),
        ("1e", "expected a value at byte 2"), ("1e999", "number out of range at byte 5"),
        ("9223372036854775808", "integer beyond 64 bits at byte 19"),
        ("NaN", "expected a value at byte 0"), ("Infinity", "expected a value at byte 0"),
        ("'a'", "expected a value at byte 0"), ("[1,]", "expected a value at byte 3"),
        ("[1 2]", "expected , or ] at byte 3"), ("[1", "expected , or ] at byte 2"),
        ("{a:1}", "expected a key at byte 1"), ("{\"a\" 1}", "expected : at byte 5"),
        ("{\"a\":1,}", "expected a key at byte 7"), ("{\"a\":1", "expected , or } at byte 6"),
        ("{\"a\":1,\"a\":2}", "duplicate key \"a\" at byte 7"),
        ("1 2", "text after the end of the value at byte 2"),
        ("\"a", "the text ends inside a string at byte 2"),
        ("\"\n\"", "control character in a string at byte 2"),
        (#""\q""#, "unknown escape at byte 3"),
        (#""\u12""#, "expected four hexadecimal digits at byte 3"),
        (#""\u+123""#, "expected four hexadecimal digits at byte 3"),
        (#""\ud800""#, "lone surrogate at byte 7"),
        (#""\udc00\ud800""#, "lone surrogate at byte 7"),
        (#""\ud800\u0041""#, "lone surrogate at byte 13"), ("/**/1", "expected a value at byte 0"),
    ])
    func refuses(text: String, message: String) {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func textThatIsNotUTF8IsRefused() {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
        #expect(error?.message == "text that is not UTF-8")
    }

    @Test(arguments: ["[", "{\"a\":"])
    func depthIsBounded(opening: String) {
        let text = String(repeating: opening, count: 100_000)
        let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error?.message == "nested deeper than 128")
    }

    @Test func canonicalTextIsSortedByBytesWithoutSpace() {
        let value: JSON = [
            "b": [1, .number(2.5), nil], "a": ["é": true, "Z": "x\u{1}\u{7F}\"\\\n\t"], "B": [:],
        ]
        #expect(
            value.canonicalText
                == #"{"B":{},"a":{"Z":"x\u0001\u007f\"\\\n\t","é":true},"b":[1,2.5,null]}"#)
        #expect(value.indentedText.contains("\n    \"a\": {\n        \"Z\": "))
        #expect(JSON.array([]).indentedText == "[]")
    }

    /// Every value reads back as itself, and equal values give equal bytes.
    @Test(arguments: 1...200)
    func randomValuesReadBack(seed: UInt64) throws {
        var state = seed
        func random(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        func value(_ depth: Int) -> JSON {
            switch random(depth > 3 ? 5 : 7) {
            case 0: return .null
            case 1: return .bool(random(2) == 0)
            case 2: return .integer(Int(bitPattern: UInt(random(.max >> 33) &* random(.max >> 33))))
            case 3: return .number(Double(random(1_000_000)) / 997)
            case 4:
                let scalars = (0..<random(6)).compactMap { _ in
                    Unicode.Scalar(UInt32(random(0x2_0000)))
                }
                return .string(String(String.UnicodeScalarView(scalars)))
            case 5: return .array((0..<random(4)).map { _ in value(depth + 1) })
            default:
                let members = (0..<random(4)).map { ("k\($0)\(random(3))", value(depth + 1)) }
                return .object(Dictionary(members, uniquingKeysWith: { first, _ in first }))
            }
        }
        let made = value(0)
        #expect(try JSON(parsing: made.canonicalBytes) == made)
        #expect(try JSON(parsing: made.indentedText) == made)
        #expect(try JSON(parsing: made.indentedText).canonicalBytes == made.canonicalBytes)
    }

    @Test func accessorsAnswerOnlyForTheirKind() {
        #expect(JSON.integer(3).double == 3)
        #expect(JSON.number(3).integer == nil)
        #expect(JSON.string("x").bool == nil)
        #expect(JSON.null["a"] == nil)
        #expect(JSON.compact(["a": 1, "b": nil]) == ["a": 1])
    }
}
