import FleetModel
import Kinds
import Linux
import SystemFaults

/// Values of files in /sys and /proc.
enum KernelFile {
    /// The current value in the text of a file: of several words, the one in brackets.
    static func value(_ text: String) -> String {
        let text = String(text.filter { $0 != "\0" }).trimmingSpaces()
        guard let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]"),
            open < close
        else { return text }
        return String(text[text.index(after: open)..<close])
    }

    /// Whether two values are equal, as text or as numbers.
    static func same(_ one: String, _ other: String) -> Bool {
        if one == other { return true }
        if let one = Int(one), let other = Int(other) { return one == other }
        return false
    }
}

extension Restoration {
    /// Restores the value of a file in /sys or /proc.
    static func kernelFile(
        _ path: String, _ value: String, on machine: any Machine
    ) -> Restoration {
        Restoration(path) { () throws(AgentFault) in
            let text = try attempt("read \(path)") { () throws(SystemError) in
                String(decoding: try machine.read(path, limit: 1 << 16), as: UTF8.self)
            }
            return KernelFile.same(KernelFile.value(text), KernelFile.value(value))
        } putBack: { () throws(AgentFault) in
            try attempt("set \(path) to \(value)") { () throws(SystemError) in
                try machine.writeInPlace(path, Array((value + "\n").utf8))
            }
        }
    }
}
