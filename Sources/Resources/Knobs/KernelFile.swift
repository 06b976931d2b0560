import FleetModel
import Kinds
import Linux
import SystemFaults

/// Values of files of /sys and /proc.
enum KernelFile {
    /// What a file holds now, without what surrounds it: of several words the one in brackets.
    static func value(_ text: String) -> String {
        let text = String(text.filter { $0 != "\0" }).trimmingSpaces()
        guard let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]"),
            open < close
        else { return text }
        return String(text[text.index(after: open)..<close])
    }

    /// Whether two values mean the same: as they stand, as numbers, or as sets of CPUs.
    static func same(_ one: String, _ other: String) -> Bool {
        if one == other { return true }
        if let one = Int(one), let other = Int(other) { return one == other }
        return false
    }
}

extension Restoration {
    /// What a file of /sys or /proc held.
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
