import FleetModel
import Kinds
import Linux
import SystemFaults

/// The options that modprobe passes to modules, from all its files (modprobe.d(5)).
struct ModprobeOptions {
    private var all: [String: [String: (text: String, source: String)]] = [:]

    init(on machine: any Machine) throws(AgentFault) {
        // A file hides files of the same name in later directories.
        var files: [String: String] = [:]
        for folder in [
            "/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d",
        ] {
            let names = try attempt("list \(folder)") { () throws(SystemError) in
                try machine.listIfPresent(folder)
            }
            for name in names where name.hasSuffix(".conf") && files[name] == nil {
                files[name] = "\(folder)/\(name)"
            }
        }
        for (_, path) in files.sorted(by: { $0.key < $1.key }) {
            let text = try machine.readText(path)
            for (index, line) in (text ?? "").lines.enumerated() {
                let words = line.split(whereSeparator: \.isWhitespace)
                guard words.count > 2, words[0] == "options" else { continue }
                let module = String(words[1].map { $0 == "-" ? "_" : $0 })
                for word in words.dropFirst(2) {
                    guard let equals = word.firstIndex(of: "=") else { continue }
                    all[module, default: [:]][String(word[..<equals])] = (
                        String(word[word.index(after: equals)...]), "\(path):\(index + 1)"
                    )
                }
            }
        }
    }

    func of(_ module: String) -> [String: (text: String, source: String)] { all[module] ?? [:] }
}
