import FleetModel
import Linux
import SystemFaults
import Wire

/// The copy of a kernel module in the initramfs of a kernel, which the next boot loads.
enum InitramfsModule: Sendable, Equatable {
    /// There is no initramfs, or none that holds the module.
    case none
    case copy(ModuleFile, image: String)
    /// The image could not be read; the text says why.
    case unread(String)

    /// Looks into the initramfs that the kernel boots with.
    ///
    /// The image is decompressed once, and only the module leaves the pipe.
    init(_ module: String, kernel: String, on machine: any Machine) throws(AgentFault) {
        self = .none
        for path in ["/boot/initrd.img-\(kernel)", "/boot/initramfs-\(kernel).img"]
        where try OnloadDisk.isThere(path, on: machine) {
            self = try InitramfsModule(module, image: path, on: machine)
            return
        }
    }

    /// Looks into one image.
    init(_ module: String, image path: String, on machine: any Machine) throws(AgentFault) {
        let image = try InitramfsImage(path, on: machine)
        if let program = image.decompressor {
            self = try Self.look(for: module, image, program, on: machine)
        } else {
            self = .unread("\(path) is compressed in a format that muster does not know")
        }
    }

    private static func look(
        for module: String, _ image: InitramfsImage, _ program: String, on machine: any Machine
    ) throws(AgentFault) -> InitramfsModule {
        var found = try extract("*/\(module).ko*", image, program, on: machine)
        if found.names.isEmpty {
            return found.succeeded ? .none : .unread("\(image.path): \(found.complaint)")
        }
        if found.names.count > 1 {
            // An added module is outside of kernel/, the directory of the kernel's own modules.
            let added = found.names.first { !$0.contains(text: "/kernel/") } ?? found.names[0]
            found = try extract(added, image, program, on: machine)
        }
        guard let name = found.names.first else {
            return .unread("\(image.path): \(found.complaint)")
        }
        do throws(AgentFault) {
            return .copy(
                try ModuleFile(path: name, content: found.content, on: machine), image: image.path)
        } catch {
            if error.code == "no-module" { return .unread("\(image.path): \(error.cause)") }
            throw error
        }
    }

    private struct Extract {
        /// As the archive names them.
        var names: [String]
        var content: [UInt8]
        var succeeded: Bool
        var complaint: String
    }

    private static let script = """
        tail -c +"$1" "$2" | "$3" "$4" 2>/dev/null | cpio --quiet -i -v --to-stdout "$5"
        """

    /// cpio writes the contents to standard output and the names to standard error.
    private static func extract(
        _ pattern: String, _ image: InitramfsImage, _ program: String, on machine: any Machine
    ) throws(AgentFault) -> Extract {
        let result = try attempt("look into \(image.path)") { () throws(SystemError) in
            try machine.run(
                ProgramCall(
                    "/bin/sh",
                    [
                        "-c", script, "sh", String(image.offset + 1), image.path, program,
                        program == "cat" ? "-" : "-dc", pattern,
                    ],
                    timeoutSeconds: 120, outputLimit: 64 << 20))
        }
        let lines = result.errorText.filledLines.map(String.init)
        return Extract(
            names: lines.filter { $0.contains(text: ".ko") && !$0.hasPrefix("cpio:") },
            content: result.output, succeeded: result.succeeded,
            complaint: ProgramText.excerpt(of: result))
    }
}

/// Where the main archive begins in an initramfs, and how it is compressed.
///
/// Archives that are not compressed may come before it, such as microcode (kernel,
/// Documentation/driver-api/early-userspace/buffer-format.rst).
struct InitramfsImage {
    let path: String
    private(set) var offset = 0
    /// The program that decompresses it; `cat` where it is not compressed; nil where unknown.
    private(set) var decompressor: String?

    private static let marks: [([UInt8], String)] = [
        ([0x1F, 0x8B], "gzip"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz"),
        ([0x28, 0xB5, 0x2F, 0xFD], "zstd"), ([0x02, 0x21, 0x4C, 0x18], "lz4"),
        ([0x89, 0x4C, 0x5A, 0x4F], "lzop"), ([0x42, 0x5A, 0x68], "bzip2"),
    ]

    init(_ path: String, on machine: any Machine) throws(AgentFault) {
        self.path = path
        func part(_ offset: Int, _ count: Int) throws(AgentFault) -> [UInt8] {
            try attempt("read \(path)") { () throws(SystemError) in
                try machine.read(path, from: offset, count: count)
            }
        }
        // Where the last archive that is not compressed begins.
        var archive: Int?
        var isBetween = true
        for _ in 0..<100_000 {
            let head = try part(offset, 512)
            if let mark = Self.marks.first(where: { head.starts(with: $0.0) }) {
                decompressor = mark.1
                return
            }
            if head.isEmpty {
                if let archive { (offset, decompressor) = (archive, "cat") }
                return
            }
            if head[0] == 0 {
                offset += head.prefix { $0 == 0 }.count
                isBetween = true
                continue
            }
            guard let entry = Self.entry(head) else { return }
            if isBetween { (archive, isBetween) = (offset, false) }
            offset += entry
        }
    }

    /// The length in bytes of an entry of a newc archive; nil if `head` does not begin one.
    private static func entry(_ head: [UInt8]) -> Int? {
        guard head.count >= 110, head.starts(with: Array("07070".utf8)) else { return nil }
        func number(_ at: Int) -> Int? {
            Int(String(decoding: head[at..<at + 8], as: UTF8.self), radix: 16)
        }
        guard let size = number(54), let name = number(94) else { return nil }
        func padded(_ count: Int) -> Int { (count + 3) / 4 * 4 }
        return padded(110 + name) + padded(size)
    }
}
