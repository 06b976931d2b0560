import Linux
import TestSupport
import Wire

/// The programs of a fixture the other way round: they know the machine as it was, and take it there
/// as far as they are asked for just that.
///
/// Fixtures script what a change calls; what taking it back calls is answered from here.
struct Rewinder {
    let before: [String: FakeMachine.Node]
    /// The resource's name: a mount's path.
    let name: String
    private static let databases = ["/var/lib/dpkg/status", "/var/lib/rpm/installed"]

    func install(on machine: FakeMachine, hasSystemd: Bool) {
        for program in ["/usr/bin/apt-get", "/usr/bin/apt-mark", "/usr/bin/dnf"] {
            machine.programs[program] = { call, machine in
                put(on: machine) { Rewinder.databases.contains($0) }
                return said(call.arguments.contains("--simulate") ? "Remv \(name) [1]\n" : "")
            }
        }
        let rpm = machine.programs["/usr/bin/rpm"]
        machine.programs["/usr/bin/rpm"] = { call, machine in
            call.arguments.contains("--test")
                ? said("")
                : rpm?(call, machine) ?? ProgramResult(end: .exited(127))
        }
        machine.programs["/usr/bin/apt-cache"] = { call, _ in
            let all = (text("/var/lib/dpkg/status") ?? "").split(separator: "Version: ").dropFirst()
            let versions = all.map { "     \($0.prefix { $0 != "\n" }) 500\n        500 x\n" }
            return said("\(name):\n  Version table:\n\(versions.joined())")
        }
        machine.programs["/sbin/modprobe"] = { call, machine in
            let module = call.arguments.last ?? ""
            for path in paths(of: module) { machine.take(path) }
            if call.arguments.first == "-r" { return said("") }
            put(on: machine) { path in
                paths(of: module).contains { path == $0 || path.hasPrefix($0 + "/") }
            }
            return said("")
        }
        if !hasSystemd { installSystemctl(on: machine) }
    }

    /// What is there as long as a module is.
    private func paths(of module: String) -> [String] {
        var all = ["/sys/module/\(module)"]
        if module == "onload" {
            all += ["/proc/driver/onload", "/dev/onload", "/dev/onload_epoll"]
        }
        if module == "sfc" {
            all += before.filter { $0.value.content == .link("../../bus/pci/drivers/sfc") }
                .map { PathName.parent(of: PathName.parent(of: $0.key)) }
        }
        return all
    }

    private func installSystemctl(on machine: FakeMachine) {
        guard machine.programs["/bin/systemctl"] != nil else { return }
        machine.programs["/bin/systemctl"] = { call, machine in
            let words = call.arguments.filter { !$0.hasPrefix("--") }
            let unit = words.last ?? ""
            switch words.first {
            case "show": return said(block(unit, on: machine))
            case "disable":
                machine.take("/etc/systemd/system/local-fs.target.wants/\(unit)")
            case "daemon-reload": break
            default:
                let isRuntime = { (path: String) in
                    path.hasPrefix("/proc/") || path.hasPrefix("/sys/fs/cgroup/")
                        || path.hasPrefix("/run/systemd/resolve/")
                }
                for path in machine.nodes.keys where isRuntime(path) && before[path] == nil {
                    machine.take(path)
                }
                put(on: machine, where: isRuntime)
            }
            return said("")
        }
    }

    private func block(_ unit: String, on machine: FakeMachine) -> String {
        var isActive = true
        var enabled = "static"
        if unit.hasSuffix(".mount") {
            let table = MountTable(
                parsing: Array((machine.text("/proc/self/mountinfo") ?? "").utf8))
            isActive = table.mounts.contains { $0.path == name }
            let link = "/etc/systemd/system/local-fs.target.wants/\(unit)"
            enabled = machine.node(link) == nil ? "disabled" : "enabled"
        } else if unit.hasSuffix(".slice") {
            isActive = machine.node("/sys/fs/cgroup/\(unit)/cpuset.cpus.partition") != nil
        }
        return "Id=\(unit)\nLoadState=loaded\nActiveState=\(isActive ? "active" : "inactive")\n"
            + "SubState=x\nUnitFileState=\(enabled)\n"
    }

    private func text(_ path: String) -> String? {
        guard case .file(let bytes)? = before[path]?.content else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func put(on machine: FakeMachine, where fits: (String) -> Bool) {
        for (path, node) in before where fits(path) {
            machine.put(path, node.content, mode: node.mode, uid: node.uid, gid: node.gid)
        }
    }

    private func said(_ output: String) -> ProgramResult {
        ProgramResult(end: .exited(0), output: Array(output.utf8))
    }
}
