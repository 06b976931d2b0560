import Linux

/// What the worker asks of the launcher.
enum LauncherRequest {
    case run(ProgramCall)
    /// The CPU time spent so far.
    case cost

    var encoded: [UInt8] {
        var writer = FieldWriter()
        switch self {
        case .run(let call):
            writer.put(1)
            writer.put(call.path)
            writer.put(call.directory ?? "")
            writer.put(Int(call.timeoutSeconds * 1000))
            writer.put(call.outputLimit)
            writer.put(call.input)
            for list in [call.arguments, call.environment] {
                writer.put(list.count)
                for word in list { writer.put(word) }
            }
        case .cost: writer.put(2)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(FieldError) {
        var reader = FieldReader(bytes)
        if try reader.integer() == 2 {
            self = .cost
            return
        }
        var call = ProgramCall(try reader.text())
        let directory = try reader.text()
        call.directory = directory.isEmpty ? nil : directory
        call.timeoutSeconds = Double(try reader.integer()) / 1000
        call.outputLimit = try reader.integer()
        call.input = try reader.field()
        call.arguments = try reader.texts()
        call.environment = try reader.texts()
        self = .run(call)
    }
}

/// What the launcher answers.
enum LauncherReply {
    /// The launcher's own sandbox is complete.
    case ready
    /// The launcher's own sandbox could not be made; the launcher has exited.
    case refused(String)
    case ended(ProgramResult)
    case notStarted(call: String, code: Int32)
    case cost(microseconds: Int)

    /// Why the launcher does not serve; nil if it does.
    var fault: String? { if case .refused(let text) = self { text } else { nil } }

    func result(of call: ProgramCall) throws(SystemError) -> ProgramResult {
        switch self {
        case .ended(let result): return result
        case .notStarted(let name, let code):
            throw SystemError(call: name, object: call.path, code: code)
        case .ready, .refused, .cost: throw SystemError(call: "start", object: call.path, code: 71)
        }
    }

    var encoded: [UInt8] {
        var writer = FieldWriter()
        switch self {
        case .ready: writer.put(1)
        case .refused(let text):
            writer.put(2)
            writer.put(text)
        case .ended(let result):
            writer.put(3)
            switch result.end {
            case .exited(let status):
                writer.put(0)
                writer.put(Int(status))
            case .signalled(let number):
                writer.put(1)
                writer.put(Int(number))
            case .timedOut:
                writer.put(2)
                writer.put(0)
            case .tooMuchOutput:
                writer.put(3)
                writer.put(0)
            }
            writer.put(result.output)
            writer.put(result.errorOutput)
        case .notStarted(let call, let code):
            writer.put(4)
            writer.put(call)
            writer.put(Int(code))
        case .cost(let microseconds):
            writer.put(5)
            writer.put(microseconds)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(FieldError) {
        var reader = FieldReader(bytes)
        switch try reader.integer() {
        case 1: self = .ready
        case 2: self = .refused(try reader.text())
        case 3:
            let type = try reader.integer()
            let number = Int32(truncatingIfNeeded: try reader.integer())
            let end: ProgramResult.End =
                switch type {
                case 0: .exited(number)
                case 1: .signalled(number)
                case 2: .timedOut
                default: .tooMuchOutput
                }
            self = .ended(
                ProgramResult(
                    end: end, output: try reader.field(), errorOutput: try reader.field()))
        case 4:
            self = .notStarted(
                call: try reader.text(), code: Int32(truncatingIfNeeded: try reader.integer()))
        case 5: self = .cost(microseconds: try reader.integer())
        default: throw FieldError()
        }
    }
}

/// Thrown where bytes do not hold the expected fields.
struct FieldError: Error {}

/// Writes fields one after another: a length or number of eight bytes, then the bytes.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ number: Int) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    mutating func put(_ field: [UInt8]) {
        put(field.count)
        bytes += field
    }

    mutating func put(_ text: String) { put(Array(text.utf8)) }
}

/// Reads what ``FieldWriter`` wrote.
struct FieldReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func integer() throws(FieldError) -> Int {
        guard rest.count >= 8 else { throw FieldError() }
        defer { rest = rest.dropFirst(8) }
        return rest.prefix(8).reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func field() throws(FieldError) -> [UInt8] {
        let count = try integer()
        guard count >= 0, rest.count >= count else { throw FieldError() }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func text() throws(FieldError) -> String {
        String(decoding: try field(), as: UTF8.self)
    }

    mutating func texts() throws(FieldError) -> [String] {
        let count = try integer()
        guard count >= 0, count <= rest.count else { throw FieldError() }
        var all: [String] = []
        for _ in 0..<count { all.append(try text()) }
        return all
    }
}
