import Kinds

/// How another manager is recognized on a host, and what it does there.
struct ManagerTrace {
    /// Its programs, as the kernel names them: 15 bytes.
    var programs: [String] = []
    /// Links that enable a manager that acts only at boot and leaves no program running.
    var links: [String] = []
    /// What it does to the settings it shares with muster, in words.
    let effect: String
}

extension OtherManager {
    /// How the manager is recognized, and what it does.
    var trace: ManagerTrace {
        switch self {
        case .tuned:
            ManagerTrace(
                programs: ["tuned"],
                effect: "applies its own profile at start and when it is told to")
        case .irqbalance:
            ManagerTrace(
                programs: ["irqbalance"],
                effect: "moves interrupts every 10 seconds, to CPUs that are not banned")
        case .powerProfilesDaemon:
            ManagerTrace(
                programs: ["power-profiles-"], effect: "sets the energy preference of its profile")
        case .thermald:
            ManagerTrace(
                programs: ["thermald"],
                effect: "lowers CPU frequencies when the CPU is hot")
        case .cpufreqd:
            ManagerTrace(
                programs: ["cpufreqd", "powerd", "cpuspeed"], effect: "changes governors")
        case .cpupower:
            ManagerTrace(
                links: ["/etc/systemd/system/multi-user.target.wants/cpupower.service"],
                effect: "sets a governor at boot")
        case .cpufrequtils:
            ManagerTrace(
                links: ["/etc/rc2.d/S01cpufrequtils", "/etc/rc2.d/S01loadcpufreq"],
                effect: "sets a governor at boot")
        case .tlp: ManagerTrace(programs: ["tlp"], effect: "changes governors and more")
        case .numad: ManagerTrace(programs: ["numad"], effect: "moves processes between nodes")
        case .ksmtuned:
            ManagerTrace(
                programs: ["ksmtuned"], effect: "starts and stops samepage merging by memory use")
        }
    }
}
