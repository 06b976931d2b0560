import Linux
import TestSupport
import Wire

/// OpenOnload without a card: files, modules and the vendor's programs, driven by one description.
///
/// A fixture gives it as `onload`:
///
///     {"library": "9.2.1 ", "product": "OpenOnload", "debug": false, "manifest": false,
///      "packages": {"openonload-user": "9.2.1-1"},
///      "disk": {"onload": {"version": "9.2.1 ", "build": "0b", "kernel": "6.1.0-50-amd64"}, …},
///      "in_tree_sfc": "0f", "prefers_in_tree": false,
///      "loaded": {"onload": {"version": "9.0.2 ", "build": "0a",
///                            "parameters": {"x": {"file": "1\n", "mode": "0444"}}}, …},
///      "initramfs": {"version": "6.1", "build": "0c"},
///      "stacks": ["1: 573 0 68"], "orphans": ["2"],
///      "processes": {"573": {"name": "feed", "devices": ["/dev/onload"], "library": "deleted"}},
///      "archive": {"library": "9.2.1 ", "disk": {…}, "fails": "no compiler"},
///      "ports": ["ens1f0"], "tool": true (or "old"), "devices": true, "reload_fails": "busy"}
///
/// The upgrade of a package changes what is on disk only; a reload takes that into memory, unless a
/// stack is there or it is to fail: `busy` takes sfc out first, as the real one does; `lost` leaves
/// no sfc to load; `control-plane` stops that and nothing else.
final class FakeOnload {
    static let kernel = "6.1.0-50-amd64"
    private var description: JSON
    private let root = "/lib/modules/\(kernel)"

    init(_ description: JSON) { self.description = description }

    func install(on machine: FakeMachine) throws {
        machine.put("/proc/sys/kernel/osrelease", text: FakeOnload.kernel + "\n")
        for folder in [
            "/etc/modprobe.d", "/etc/depmod.d", "/etc/modules-load.d", "/etc/sysconfig",
            "/etc/udev/rules.d",
            "/var/lib/muster", "/sys/class/net",
        ] where machine.node(folder) == nil {
            machine.put(folder, .directory)
        }
        if machine.node("/usr/local/lib/modules-load.d/onload.conf") == nil {
            machine.put("/usr/local/lib/modules-load.d/onload.conf", text: "onload\n")
        }
        putDisk(on: machine)
        for (name, module) in description["loaded"]?.object ?? [:] {
            try load(name, module, on: machine)
        }
        try putProcesses(on: machine)
        for port in (description["ports"]?.array ?? []).compactMap(\.string) {
            putPort(port, on: machine)
        }
        putInitramfs(on: machine)
        putPrograms(on: machine)
    }

    // MARK: On disk

    private func putDisk(on machine: FakeMachine) {
        if let library = description["library"]?.string {
            let path = "/usr/lib/x86_64-linux-gnu/libonload.so"
            let product = description["product"]?.string ?? "OpenOnload"
            let build = description["debug"]?.bool == true ? "debug" : "release"
            let banner = """
                \(product) \(library)
                Copyright (c) 2002-2025 Advanced Micro Devices, Inc.
                Built: May 16 2015 10:11:12 (\(build))
                Build profile header: <ci/internal/transport_config_opt_extra.h>

                """
            let names = "EF_POLL_USEC\0EF_TCP_FASTSTART_INIT\0EF_TCP_FASTSTART_IDLE\0"
            machine.put(path, text: "\(banner)\0\(names)")
            machine.programs[path] = { _, machine in
                FakeOnload.said(0, String((machine.text(path) ?? "").prefix { $0 != "\0" }))
            }
        }
        if description["manifest"]?.bool == true {
            machine.put("/usr/libexec/onload/uninstall_manifest", text: "/usr/bin/onload\n")
        }
        if let packages = description["packages"]?.object {
            let entries = (packages.map { ($0.key, $0.value.string ?? "") } + [("dpkg", "1.21")])
                .map { name, version in
                    "Package: \(name)\nStatus: install ok installed\nArchitecture: amd64\n"
                        + "Version: \(version)\n\n"
                }
            machine.put("/var/lib/dpkg/status", text: entries.joined())
        }
        for (name, module) in description["disk"]?.object ?? [:] {
            machine.put("\(root)/extra/\(name).ko", .file(FakeOnload.file(module)))
        }
        if let build = description["in_tree_sfc"]?.string {
            machine.put(
                "\(root)/kernel/drivers/net/ethernet/sfc/sfc.ko",
                .file(FakeOnload.file(["build": .string(build)])))
        }
        putList(on: machine)
    }

    /// modules.dep as depmod makes it.
    private func putList(on machine: FakeMachine) {
        let override = machine.text("/etc/depmod.d/zz-muster-onload.conf")
        let prefersTree =
            override?.contains("override sfc * kernel/")
            ?? (description["prefers_in_tree"]?.bool == true)
        var lines = (description["disk"]?.object ?? [:]).keys.sorted().compactMap { name in
            prefersTree && name == "sfc" ? nil : "extra/\(name).ko:"
        }
        if prefersTree || (description["in_tree_sfc"] != nil && description["disk"]?["sfc"] == nil)
        {
            lines.append("kernel/drivers/net/ethernet/sfc/sfc.ko: kernel/drivers/net/mdio.ko")
        }
        machine.put("\(root)/modules.dep", text: lines.map { $0 + "\n" }.joined())
    }

    private func putInitramfs(on machine: FakeMachine) {
        guard let copy = description["initramfs"] else { return }
        let path = "/boot/initrd.img-\(FakeOnload.kernel)"
        machine.put(path, .file([0x1F, 0x8B, 8, 0]))
        if copy["fails"] != nil { return }
        if copy["build"] != nil { machine.put("/fake/initramfs-sfc", .file(FakeOnload.file(copy))) }
    }

    // MARK: In memory

    private func load(_ name: String, _ module: JSON, on machine: FakeMachine) throws {
        let folder = "/sys/module/\(name)"
        machine.put("\(folder)/initstate", text: "live\n")
        if let version = module["version"]?.string {
            machine.put("\(folder)/version", text: version + "\n")
        }
        machine.put(
            "\(folder)/notes/.note.gnu.build-id",
            .file(FakeOnload.note(module["build"]?.string ?? "")))
        for (key, parameter) in module["parameters"]?.object ?? [:] {
            try machine.put(tree: .object(["\(folder)/parameters/\(key)": parameter]))
        }
        if name == "onload" {
            machine.put("/proc/driver/onload/cp_server_pids", text: "900\n")
            machine.put(
                "/proc/driver/onload/stacks_ul",
                text: (description["stacks"]?.array ?? []).compactMap(\.string)
                    .map { $0 + "\n" }.joined())
            machine.put("/proc/driver/onload/stacks", text: "")
            machine.put(
                "/proc/driver/onload/stacks_k",
                text: (description["orphans"]?.array ?? []).compactMap(\.string)
                    .map { "\($0): 0\n" }.joined())
            let devices = description["devices"]?.bool == false ? [] : ["onload", "onload_epoll"]
            for device in devices where machine.node("/dev/\(device)") == nil {
                machine.put("/dev/\(device)", .other(.characterDevice), mode: 0o666)
            }
        }
    }

    private func unload(_ names: [String], on machine: FakeMachine) {
        for name in names { machine.take("/sys/module/\(name)") }
        if names.contains("onload") {
            machine.take("/proc/driver/onload")
            machine.take("/dev/onload")
            machine.take("/dev/onload_epoll")
        }
        if names.contains("sfc") {
            for port in (description["ports"]?.array ?? []).compactMap(\.string) {
                machine.take("/sys/class/net/\(port)")
            }
        }
    }

    /// Takes a module from disk into memory, with its options where the files of modprobe have them.
    private func loadFromDisk(_ name: String, on machine: FakeMachine) throws {
        guard var module = description["disk"]?[name]?.object else { return }
        if machine.node("/sys/module/\(name)") != nil { return }
        let options = machine.text("/etc/modprobe.d/zz-muster-onload.conf") ?? ""
        for line in options.split(separator: "\n") where line.hasPrefix("options \(name) ") {
            var parameters: [String: JSON] = [:]
            for word in line.split(separator: " ").dropFirst(2) {
                let parts = word.split(separator: "=").map(String.init)
                parameters[parts[0]] = ["file": .string(parts[1] + "\n"), "mode": "0444"]
            }
            module["parameters"] = .object(parameters)
        }
        try load(name, .object(module), on: machine)
        if name == "sfc" {
            for port in (description["ports"]?.array ?? []).compactMap(\.string) {
                putPort(port, on: machine)
            }
        }
    }

    private func putPort(_ name: String, on machine: FakeMachine) {
        machine.put("/sys/class/net/\(name)/device/driver", .link("../../bus/pci/drivers/sfc"))
    }

    private func putProcesses(on machine: FakeMachine) throws {
        if machine.node("/proc/self") == nil { machine.put("/proc/self", .directory) }
        for (pid, process) in description["processes"]?.object ?? [:] {
            machine.put("/proc/\(pid)/comm", text: (process["name"]?.string ?? "?") + "\n")
            machine.put("/proc/\(pid)/fd", .directory)
            for (index, device) in (process["devices"]?.array ?? []).enumerated() {
                machine.put("/proc/\(pid)/fd/\(index)", .link(device.string ?? ""))
            }
            let library = process["library"]?.string.map {
                "7f00-7f01 r-xp 00000000 08:01 99 /usr/lib/x86_64-linux-gnu/libonload.so"
                    + ($0 == "deleted" ? " (deleted)" : "") + "\n"
            }
            machine.put("/proc/\(pid)/maps", text: library ?? "")
        }
    }

    // MARK: Programs

    private static func said(
        _ status: Int32, _ output: String, _ errors: String = ""
    ) -> ProgramResult {
        ProgramResult(
            end: .exited(status), output: Array(output.utf8), errorOutput: Array(errors.utf8))
    }

    private func putPrograms(on machine: FakeMachine) {
        if description["tool"]?.bool != false {
            machine.put("/sbin/onload_tool", text: "", mode: 0o755)
            machine.programs["/sbin/onload_tool"] = { [self] call, machine in
                let isPart = call.arguments.contains("--onload-only")
                if isPart, description["tool"] == "old" {
                    return FakeOnload.said(1, "", "\nusage:\n  onload_tool reload\n")
                }
                return reload(isFull: !isPart, machine)
            }
        }
        machine.programs["/sbin/modprobe"] = { [self] call, machine in
            let name = call.arguments.last ?? ""
            if call.arguments.first == "-r" {
                unload([name], on: machine)
            } else if description["reload_fails"] == "lost", name == "sfc" {
                return FakeOnload.said(1, "", "modprobe: FATAL: Module sfc not found.\n")
            } else {
                // onload needs the others, but for sfc.
                let all = name == "onload" ? ["sfc_resource", "sfc_char", "onload"] : [name]
                for name in all { try? loadFromDisk(name, on: machine) }
            }
            return FakeOnload.said(0, "")
        }
        machine.programs["/sbin/depmod"] = { [self] _, machine in
            putList(on: machine)
            return FakeOnload.said(0, "")
        }
        putArchive(on: machine)
        machine.programs["/bin/kill"] = { _, _ in FakeOnload.said(0, "") }
        machine.programs["/usr/bin/taskset"] = { call, machine in
            let program = call.arguments[2]
            let inner = ProgramCall(program, Array(call.arguments.dropFirst(3)))
            return machine.programs[program]?(inner, machine) ?? FakeOnload.said(127, "")
        }
        machine.put("/usr/sbin/update-initramfs", text: "", mode: 0o755)
        machine.programs["/usr/sbin/update-initramfs"] = { [self] _, machine in
            let list = machine.text("\(root)/modules.dep") ?? ""
            if list.contains("kernel/drivers/net/ethernet/sfc/sfc.ko:") {
                let build = description["in_tree_sfc"] ?? nil
                machine.put("/fake/initramfs-sfc", .file(FakeOnload.file(["build": build])))
            } else if let sfc = description["disk"]?["sfc"] {
                machine.put("/fake/initramfs-sfc", .file(FakeOnload.file(sfc)))
            }
            return FakeOnload.said(0, "")
        }
        machine.programs["/bin/sh"] = { [self] _, machine in
            if let reason = description["initramfs"]?["fails"]?.string {
                return FakeOnload.said(2, "", reason + "\n")
            }
            guard case .file(let content)? = machine.node("/fake/initramfs-sfc")?.content else {
                return FakeOnload.said(0, "")
            }
            return ProgramResult(
                end: .exited(0), output: content,
                errorOutput: Array("usr/lib/modules/\(FakeOnload.kernel)/extra/sfc.ko\n".utf8))
        }
    }

    /// The vendor's archive: built where it lies, installed over what is there, and uninstalled.
    private func putArchive(on machine: FakeMachine) {
        let scripts = "/var/lib/muster/onload/onload-9.2.1/scripts"
        machine.programs["/bin/rm"] = { call, machine in
            machine.take(call.arguments.last ?? "/nothing")
            return FakeOnload.said(0, "")
        }
        machine.programs["/usr/bin/tar"] = { _, machine in
            machine.put("\(scripts)/onload_install", text: "", mode: 0o755)
            return FakeOnload.said(0, "")
        }
        machine.programs["\(scripts)/onload_build"] = { [self] _, _ in
            let failure = description["archive"]?["fails"]?.string
            return failure.map { FakeOnload.said(1, "", $0 + "\n") } ?? FakeOnload.said(0, "")
        }
        machine.programs["\(scripts)/onload_install"] = { [self] _, machine in
            var all = description.object ?? [:]
            for (key, value) in description["archive"]?.object ?? [:] { all[key] = value }
            all["manifest"] = true
            description = .object(all)
            putDisk(on: machine)
            return FakeOnload.said(0, "")
        }
        machine.programs["/usr/sbin/onload_uninstall"] = { [self] _, machine in
            machine.take("/usr/libexec/onload")
            machine.take("/usr/lib/x86_64-linux-gnu/libonload.so")
            machine.take("\(root)/extra")
            machine.put("\(root)/modules.dep", text: "")
            return FakeOnload.said(0, "")
        }
    }

    private func reload(isFull: Bool, _ machine: FakeMachine) -> ProgramResult {
        let modules =
            isFull ? ["onload", "sfc_char", "sfc_resource", "sfc"] : ["onload", "sfc_char"]
        switch description["reload_fails"]?.string {
        case "busy", "lost":
            unload(["sfc"], on: machine)
            return FakeOnload.said(
                1, "onload_tool: /sbin/modprobe -r onload\n",
                "modprobe: FATAL: Module onload is in use.\n"
                    + "onload_tool: ERROR: modprobe -r onload failed (0)\n"
                    + "onload_tool: ERROR: could not unload all drivers\n")
        case "control-plane":
            machine.put("/proc/driver/onload/cp_server_pids", text: "")
            return FakeOnload.said(
                1,
                "Timed out waiting for control plane to stop, trying SIGKILL...\n"
                    + "Failed to kill control plane - aborting\n")
        default:
            unload(modules, on: machine)
            for name in ["sfc", "sfc_resource", "sfc_char", "onload"] {
                try? loadFromDisk(name, on: machine)
            }
            return FakeOnload.said(0, "")
        }
    }

    // MARK: ELF

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
    }

    /// The note of a build-id, as /sys shows it and ELF files hold it.
    static func note(_ build: String) -> [UInt8] {
        let id = bytes(build)
        return number(4, 4) + number(id.count, 4) + number(3, 4) + Array("GNU\0".utf8) + id
    }

    /// A module file: header, sections, their names and their table.
    static func file(_ module: JSON) -> [UInt8] {
        var information = "license=GPL\0"
        if let version = module["version"]?.string { information += "version=\(version)\0" }
        information += "vermagic=\(module["kernel"]?.string ?? kernel) SMP preempt mod_unload\0"
        let names = Array("\0.modinfo\0.note.gnu.build-id\0.shstrtab\0".utf8)
        let contents: [(name: Int, bytes: [UInt8])] = [
            (0, []), (1, Array(information.utf8)), (10, note(module["build"]?.string ?? "")),
            (29, names),
        ]
        var body: [UInt8] = []
        var table: [UInt8] = []
        for (name, bytes) in contents {
            table += number(name, 4) + number(1, 4) + number(0, 8) + number(0, 8)
            table += number(64 + body.count, 8) + number(bytes.count, 8) + number(0, 24)
            body += bytes
        }
        var header: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + number(0, 9)
        header += number(1, 2) + number(62, 2) + number(1, 4) + number(0, 8) + number(0, 8)
        header += number(64 + body.count, 8) + number(0, 4) + number(64, 2) + number(0, 2)
        header += number(0, 2) + number(64, 2) + number(contents.count, 2) + number(3, 2)
        return header + body + table
    }

    private static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * $0)) : 0 }
    }
}
