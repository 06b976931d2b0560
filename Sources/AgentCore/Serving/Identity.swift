import FleetModel
import Glibc
import Journal
import Linux

/// What the agent tells about itself and its host.
enum Identity {
    /// With a state directory, this includes the serial of the last apply recorded there.
    static func hello(of state: StateDirectory? = nil) -> Hello {
        var names = utsname()
        uname(&names)
        let bootID = (try? LocalMachine().textIfPresent("/proc/sys/kernel/random/boot_id")) ?? nil
        return Hello(
            agentVersion: Version.current, architecture: text(names.machine),
            hostname: text(names.nodename), bootID: bootID?.filter { $0 != "\n" } ?? "",
            uid: Int(geteuid()),
            // An unreadable state directory is reported by the apply that needs it, not by the
            // hello.
            lastSerial: state.flatMap { try? JournalDirectory.lastSerial(in: $0) })
    }

    /// The string in a C array of characters.
    private static func text<Characters>(_ characters: Characters) -> String {
        withUnsafeBytes(of: characters) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
