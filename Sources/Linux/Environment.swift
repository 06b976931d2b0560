import Glibc

/// This process's environment.
package enum Environment {
    /// All variables as `NAME=value`.
    package static var all: [String] {
        guard let bytes = try? LocalMachine().read("/proc/self/environ", limit: 4 << 20) else {
            return ProgramCall.plainEnvironment
        }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}
