import FleetModel
import Glibc
import Kinds
import Linux
import SystemFaults

/// An isolated cpuset partition of cgroup v2, in a systemd slice.
///
/// systemd sets the slice's CPUs (AllowedCPUs=) but does not know partitions, so the agent writes
/// the partition type itself (kernel: Documentation/admin-guide/cgroup-v2.rst,
/// cpuset.cpus.partition).
struct Partition: Sendable, Equatable {
    private static let folder = "/sys/fs/cgroup/\(CPUIsolationDeclaration.slice)"

    /// The file in which the partition type is read and written.
    static let typeFile = "\(folder)/cpuset.cpus.partition"

    /// The text of our slice unit file; nil if it does not exist.
    var sliceText: String?
    /// The type as the kernel shows it: `isolated`, `isolated invalid (…)`, `member`.
    var type: String?
    var cpus: CPUList?
    /// Why this host cannot have partitions; nil if it can.
    var missing: String?

    init() {}

    init(on machine: any Machine) throws(AgentFault) {
        sliceText = try machine.readText(CPUIsolationDeclaration.sliceFile)
        type = try machine.readText("\(Self.folder)/cpuset.cpus.partition")?.trimmingSpaces()
        let list = try machine.readText("\(Self.folder)/cpuset.cpus.effective")
        cpus = list.flatMap { CPUList(kernelText: $0) }
        let controllers = try machine.readText("/sys/fs/cgroup/cgroup.controllers")
        if controllers == nil {
            missing = "this host has no unified cgroup hierarchy"
        } else if controllers?.split(whereSeparator: \.isWhitespace).contains("cpuset") != true {
            missing = "this kernel's cgroups have no cpuset controller"
        }
    }

    /// Whether the partition is valid and has exactly these CPUs.
    ///
    /// An invalid one also begins with `isolated`.
    func holds(_ wanted: CPUList) -> Bool { type == "isolated" && cpus == wanted }

    /// The text for a change: `isolated 2-3`, `member`, `none`.
    var shown: String {
        guard let type else { return "none" }
        return type == "member" ? type : "\(type) \(cpus?.text ?? "")"
    }

    static func sliceText(_ cpus: CPUList) -> String {
        """
        # CPUs kept for applications, declared to muster; muster-agent puts this file back.
        [Unit]
        Description=Isolated CPUs
        Before=slices.target

        [Slice]
        AllowedCPUs=\(cpus.text.split(separator: ",").joined(separator: " "))

        """
    }

    /// Creates the slice and its partition, and checks that the kernel accepted it.
    static func make(_ cpus: CPUList, on machine: any Machine) throws(AgentFault) {
        let text = sliceText(cpus)
        let slice = CPUIsolationDeclaration.slice
        let path = typeFile
        let before = try Partition(on: machine)
        try undoing { (undo) throws(AgentFault) in
            if before.type == nil { undo.add(stopped(on: machine)) }
            if before.sliceText != text {
                undo.add(try .path(CPUIsolationDeclaration.sliceFile, on: machine))
                try NewFile(
                    path: CPUIsolationDeclaration.sliceFile, content: Array(text.utf8),
                    mode: 0o644, uid: 0, gid: 0
                ).put(on: machine)
                try Systemctl.run(
                    ["daemon-reload"], attempted: "reload systemd's unit files", on: machine)
            }
            try Systemctl.run(
                ["start", slice], attempted: "start \(slice)", unit: slice, on: machine)
            // If the kernel rejects the partition, the type is set back to member.
            if !before.holds(cpus) { undo.add(.kernelFile(path, "member", on: machine)) }
            try attempt("make \(slice) an isolated partition") { () throws(SystemError) in
                try machine.writeInPlace(path, Array("isolated\n".utf8))
            }
            let made = try Partition(on: machine)
            guard made.holds(cpus) else {
                throw AgentFault(
                    "not-taken", "make CPU \(cpus.text) an isolated partition",
                    cause: "the kernel reports: \(made.shown)",
                    hint: "another cgroup may claim these CPUs: see cpuset.cpus of its siblings")
            }
        }
    }

    /// Stops the slice, which did not exist before; its unit file is already removed.
    private static func stopped(on machine: any Machine) -> Restoration {
        let slice = CPUIsolationDeclaration.slice
        return Restoration("the unit \(slice)") { () throws(AgentFault) in
            try attempt("look for \(folder)") { () throws(SystemError) in
                try machine.statusIfPresent(folder) == nil
            }
        } putBack: { () throws(AgentFault) in
            try Systemctl.run(["stop", slice], attempted: "stop \(slice)", on: machine)
            try Systemctl.run(
                ["daemon-reload"], attempted: "reload systemd's unit files", on: machine)
        }
    }

    static func unmake(on machine: any Machine) throws(AgentFault) {
        let path = typeFile
        try attempt("set the partition back to member") { () throws(SystemError) in
            if try machine.statusIfPresent(path) != nil {
                try machine.writeInPlace(path, Array("member\n".utf8))
            }
        }
        try Systemctl.run(
            ["stop", CPUIsolationDeclaration.slice],
            attempted: "stop \(CPUIsolationDeclaration.slice)",
            unit: CPUIsolationDeclaration.slice, on: machine)
        try attempt("remove \(CPUIsolationDeclaration.sliceFile)") { () throws(SystemError) in
            if try machine.statusIfPresent(CPUIsolationDeclaration.sliceFile) != nil {
                try machine.remove(CPUIsolationDeclaration.sliceFile)
            }
        }
        try Systemctl.run(["daemon-reload"], attempted: "reload systemd's unit files", on: machine)
    }
}
