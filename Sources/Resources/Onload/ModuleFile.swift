import FleetModel
import Linux
import SystemFaults

/// A kernel module on disk or in an initramfs, with what its ELF file says about it.
struct ModuleFile: Sendable, Equatable {
    var path: String
    /// The build-id in hex, which distinguishes two copies; empty where the file has none.
    var buildID = ""
    /// As `modinfo -F version` prints it; nil where it has none.
    var version: String?
    /// The kernel it is built for: the first word of vermagic.
    var kernel: String?

    /// Reads a file, decompressed where its name says that it is compressed.
    init(_ path: String, on machine: any Machine) throws(AgentFault) {
        self.path = path
        if let program = Self.decompressor(of: path) {
            try read(bytes: try Self.decompressed(path, [path], program, [], on: machine))
            return
        }
        try read { (offset, count) throws(AgentFault) in
            try attempt("read \(path)") { () throws(SystemError) in
                try machine.read(path, from: offset, count: count)
            }
        }
    }

    /// Reads a file of that name from its content.
    init(path: String, content: [UInt8], on machine: any Machine) throws(AgentFault) {
        self.path = path
        if let program = Self.decompressor(of: path) {
            try read(bytes: try Self.decompressed(path, [], program, content, on: machine))
        } else {
            try read(bytes: content)
        }
    }

    private static func decompressor(of path: String) -> String? {
        ["xz": "/usr/bin/xz", "zst": "/usr/bin/zstd", "gz": "/usr/bin/gzip"][
            String(path.split(separator: ".").last ?? "")]
    }

    private static func decompressed(
        _ path: String, _ arguments: [String], _ program: String, _ input: [UInt8],
        on machine: any Machine
    ) throws(AgentFault) -> [UInt8] {
        let result = try attempt("decompress \(path)") { () throws(SystemError) in
            try machine.run(
                ProgramCall(program, ["-dc"] + arguments, input: input, outputLimit: 64 << 20))
        }
        guard result.succeeded else {
            throw AgentFault(
                "decompress", "decompress \(path)",
                cause: "\(program) \(result.endText): \(ProgramText.excerpt(of: result))")
        }
        return result.output
    }

    private mutating func read(bytes: [UInt8]) throws(AgentFault) {
        try read { (offset, count) throws(AgentFault) in
            Array(bytes.dropFirst(offset).prefix(count))
        }
    }

    /// Reads the sections by name (elf(5)); the file must be 64-bit and little-endian.
    private mutating func read(
        _ part: (_ offset: Int, _ count: Int) throws(AgentFault) -> [UInt8]
    ) throws(AgentFault) {
        let header = ELFPart(try part(0, 64))
        guard header.bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]), header.bytes.count == 64
        else {
            throw AgentFault(
                "no-module", "read \(path)", cause: "it is not a kernel module",
                hint: "reinstall the modules")
        }
        let size = header.number(at: 0x3A, bytes: 2)
        let count = header.number(at: 0x3C, bytes: 2)
        let table = ELFPart(try part(header.number(at: 0x28, bytes: 8), size * count))
        guard size >= 64, table.bytes.count == size * count else { throw cutShort }
        func place(_ index: Int) -> (offset: Int, size: Int) {
            (
                table.number(at: index * size + 0x18, bytes: 8),
                table.number(at: index * size + 0x20, bytes: 8)
            )
        }
        let names = header.number(at: 0x3E, bytes: 2)
        guard names < count else { throw cutShort }
        let texts = ELFPart(try part(place(names).offset, min(place(names).size, 1 << 20)))
        for index in 0..<count {
            let name = texts.text(at: table.number(at: index * size, bytes: 4))
            guard [".modinfo", ".note.gnu.build-id"].contains(name) else { continue }
            let (offset, size) = place(index)
            let content = try part(offset, min(size, 1 << 20))
            guard content.count == min(size, 1 << 20) else { throw cutShort }
            if name == ".modinfo" { readModinfo(content) } else { buildID = Self.buildID(content) }
        }
    }

    private var cutShort: AgentFault {
        AgentFault(
            "no-module", "read \(path)", cause: "the file is truncated",
            hint: "reinstall the modules")
    }

    /// `version=9.2.1 \0vermagic=6.1.0-50-amd64 SMP …\0`.
    private mutating func readModinfo(_ bytes: [UInt8]) {
        for field in bytes.split(separator: 0) {
            let text = String(decoding: field, as: UTF8.self)
            if text.hasPrefix("version=") { version = String(text.dropFirst(8)) }
            if text.hasPrefix("vermagic=") {
                kernel = text.dropFirst(9).split(separator: " ").first.map(String.init)
            }
        }
    }

    /// The build-id of a note: after the three lengths and the name `GNU`.
    static func buildID(_ note: [UInt8]) -> String {
        note.dropFirst(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// Numbers and names of an ELF file.
private struct ELFPart {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// A number outside of the bytes is 0, and a huge one is capped: no file can cause a crash.
    func number(at offset: Int, bytes count: Int) -> Int {
        guard offset >= 0, offset + count <= bytes.count else { return 0 }
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[offset + index]) }
        return value > 1 << 40 ? 1 << 40 : Int(value)
    }

    func text(at offset: Int) -> String {
        guard offset < bytes.count else { return "" }
        return String(decoding: bytes[offset...].prefix { $0 != 0 }, as: UTF8.self)
    }
}
