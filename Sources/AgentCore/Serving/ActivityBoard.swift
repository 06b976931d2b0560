import CLinux

/// What the worker is doing at this moment, in memory the supervisor sees too.
///
/// A worker that hangs in the kernel cannot answer, but its last entry can be read.
final class ActivityBoard {
    private static let lineLength = 512
    private let memory: UnsafeMutableRawPointer?

    /// Shared with every process forked afterwards; if there is no shared memory, the board stays
    /// empty.
    init() { memory = clinux_shared_memory(2 * (ActivityBoard.lineLength + 2)) }

    /// The step of the run: `observe 40 of kind sysctl`.
    func publish(step: String) {
        write(step, line: 0)
        write("", line: 1)
    }

    /// The operation within the step: `read /proc/sys/vm/swappiness`.
    func publish(_ verb: StaticString, _ object: String) {
        guard let memory else { return }
        let line = memory + ActivityBoard.lineLength + 2
        var count = 0
        func put(_ byte: UInt8) {
            if count < ActivityBoard.lineLength {
                line.storeBytes(of: byte, toByteOffset: 2 + count, as: UInt8.self)
                count += 1
            }
        }
        verb.withUTF8Buffer { for byte in $0 { put(byte) } }
        put(32)
        for byte in object.utf8 { put(byte) }
        line.storeBytes(of: UInt16(count), as: UInt16.self)
    }

    /// Both lines as one text; empty where nothing was published.
    var text: String {
        [read(line: 0), read(line: 1)].filter { !$0.isEmpty }.joined(separator: ": ")
    }

    private func write(_ text: String, line: Int) {
        guard let memory else { return }
        let start = memory + line * (ActivityBoard.lineLength + 2)
        let bytes = Array(text.utf8.prefix(ActivityBoard.lineLength))
        (start + 2).copyMemory(from: bytes, byteCount: bytes.count)
        start.storeBytes(of: UInt16(bytes.count), as: UInt16.self)
    }

    private func read(line: Int) -> String {
        guard let memory else { return "" }
        let start = memory + line * (ActivityBoard.lineLength + 2)
        let count = min(Int(start.load(as: UInt16.self)), ActivityBoard.lineLength)
        let bytes = UnsafeRawBufferPointer(start: start + 2, count: count)
        return String(decoding: bytes, as: UTF8.self)
    }
}
