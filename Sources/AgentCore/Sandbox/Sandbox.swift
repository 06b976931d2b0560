import CLinux
import FleetModel
import Glibc
import Journal
import Linux
import SystemFaults

/// Makes a reading process unable to write, in layers that do not depend on each other.
///
/// 1. A mount namespace of its own, every mount read-only and without devices. Mounts of the host
///    appear in it, so that an automount works; nothing of it appears on the host.
/// 2. The worker itself stays user 0, since the kernel shows some of /proc/sys only to root. It
///    keeps only the capabilities that reading needs, and its seccomp filter allows only system
///    calls that read.
/// 3. Programs are started by the launcher, a process of the user nobody with the single ambient
///    capability CAP_DAC_READ_SEARCH. It has a PID namespace of its own, so that programs can
///    signal no other process and none outlives the check, a private tmpfs on /tmp, and a seccomp
///    filter against mounts, modules, tracing, namespaces and the network, which ordinary programs
///    do not need.
///
/// The worker does not start programs itself, because its filter forbids `connect` and `execve`,
/// and systemctl needs both.
package enum Sandbox {
    /// The user and group of programs: nobody's own, with no files and no processes of interest.
    static let nobody: UInt32 = 65534
    /// Devices that programs cannot do without.
    private static let devices = ["null", "zero", "full", "random", "urandom"].map { "/dev/" + $0 }

    /// Enters the sandbox, which the process cannot leave, and returns the launcher of programs.
    ///
    /// `closing` lists descriptors that the launcher does not need. Throws `no-sandbox` if the
    /// kernel refuses a layer; nothing is read then.
    package static func enter(
        closing descriptors: [Int32], remountWalk: Bool = false
    ) throws(AgentFault) -> Launcher {
        try layer("turn off core files", clinux_no_core())
        guard geteuid() == 0 else { return try enterUnprivileged(closing: descriptors) }
        try enterMounts(remountWalk: remountWalk)
        let launcher = try Launcher.fork(closing: descriptors) { () throws(AgentFault) in
            try confineLauncher()
        }
        let keep = clinux_cap_dac_read_search() | clinux_cap_sys_ptrace()
        try layer("drop capabilities", clinux_limit_privileges(0, 0, keep, 0))
        try layer("tie the process to the supervisor", clinux_die_with_parent())
        try layer("filter system calls", clinux_filter_reader())
        return launcher
    }

    /// The sandbox for a user who may not make namespaces: only the seccomp filters.
    private static func enterUnprivileged(
        closing descriptors: [Int32]
    ) throws(AgentFault) -> Launcher {
        let launcher = try Launcher.fork(closing: descriptors) { () throws(AgentFault) in
            try layer("filter system calls", clinux_filter_program())
        }
        try layer("tie the process to the supervisor", clinux_die_with_parent())
        try layer("filter system calls", clinux_filter_reader())
        return launcher
    }

    private static func confineLauncher() throws(AgentFault) {
        // The worker reads the host's own /tmp: only programs get an empty one.
        try layer("make a mount namespace", clinux_enter_mount_namespace())
        try layer("mount a private /tmp", clinux_mount_tmpfs("/tmp"))
        try layer(
            "drop capabilities",
            clinux_limit_privileges(nobody, nobody, clinux_cap_dac_read_search(), 1))
        try layer("filter system calls", clinux_filter_program())
    }

    // MARK: Mounts

    /// The first layer alone: namespaces, every mount read-only and without devices.
    package static func enterMounts(remountWalk: Bool) throws(AgentFault) {
        try layer("make namespaces", clinux_enter_namespaces())
        let present = devices.filter { access($0, F_OK) == 0 }
        for device in present { try layer("keep \(device)", clinux_bind_onto_itself(device)) }
        let answer = remountWalk ? -ENOSYS : clinux_mounts_read_only()
        if answer == -ENOSYS {
            try remountEach()
        } else {
            try layer("make the mounts read-only", answer)
        }
        for device in present { try layer("keep \(device)", clinux_allow_devices(device)) }
    }

    /// Does mount by mount what mount_setattr does in one call, for kernels before 5.12.
    private static func remountEach() throws(AgentFault) {
        let table: MountTable
        do {
            table = try MountTable.ofThisProcess(on: LocalMachine())
        } catch {
            throw AgentFault("read /proc/self/mountinfo", error)
        }
        for mount in table.mounts {
            let options = mount.options
            let answer = clinux_remount_read_only(
                mount.pathBytes.map { CChar(bitPattern: $0) } + [0],
                options.contains("noexec") ? 1 : 0, options.contains("noatime") ? 1 : 0,
                options.contains("nodiratime") ? 1 : 0, options.contains("relatime") ? 1 : 0)
            // A mount hidden under another mount cannot be reached by a path, so it cannot be
            // written either.
            if answer != -ENOENT { try layer("make \(mount.path) read-only", answer) }
        }
    }

    private static func layer(_ attempted: String, _ answer: Int32) throws(AgentFault) {
        if answer >= 0 { return }
        throw AgentFault(
            "no-sandbox", "\(attempted) for the read-only sandbox",
            cause: SystemError.text(of: -answer),
            hint: "the kernel must allow namespaces and seccomp filters to root; nothing was read")
    }
}
