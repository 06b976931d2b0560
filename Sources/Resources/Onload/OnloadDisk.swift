import FleetModel
import Kinds
import Linux
import SystemFaults
import Wire

/// OpenOnload as installed: what a process that starts now, or the next boot, will use.
struct OnloadDisk: Sendable {
    /// The library's path and banner; nil where there is no library.
    var library: String?
    var banner: OnloadBanner?
    /// Why the library did not print its banner; nil where it did.
    var silence: String?
    /// The versions of installed packages of any family, by package name.
    var packages: [String: String] = [:]
    /// Whether an archive was installed: its installer leaves a manifest.
    var hasManifest = false
    /// The module that modprobe would load, by name.
    var modules: [String: ModuleFile] = [:]
    /// The sfc in the directory of onload, if modprobe prefers another one.
    var sfcPassedOver: ModuleFile?
    /// The kernel's own sfc.
    var sfcOfKernel: ModuleFile?
    /// Kernels for which there is an onload module.
    var kernels: [String] = []
    var hasTool = false

    static let libraryFolders = [
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
    ]
    /// The directory of a kernel's own sfc, below its modules.
    static let folderOfKernel = "kernel/drivers/net/ethernet/sfc"
    private static let compressions = ["", ".xz", ".zst", ".gz"]
    static let tool = "/sbin/onload_tool"
    static let manifest = "/usr/libexec/onload/uninstall_manifest"

    init(kernel: String, on machine: any Machine) throws(AgentFault) {
        try readLibrary(on: machine)
        hasManifest = try Self.isThere(Self.manifest, on: machine)
        hasTool = try Self.isThere(Self.tool, on: machine)
        packages = try Self.packages(kernel: kernel, on: machine)
        try readModules(kernel, on: machine)
        for release in try attempt(
            "list /lib/modules",
            { () throws(SystemError) in
                try machine.listIfPresent("/lib/modules")
            })
        {
            let list = release == kernel ? nil : try Self.list(of: release, on: machine)
            if release == kernel ? modules["onload"] != nil : list?["onload"] != nil {
                kernels.append(release)
            }
        }
    }

    static func isThere(_ path: String, on machine: any Machine) throws(AgentFault) -> Bool {
        try attempt("look for \(path)") { () throws(SystemError) in
            try machine.statusIfPresent(path, followLinks: true) != nil
        }
    }

    private mutating func readLibrary(on machine: any Machine) throws(AgentFault) {
        for folder in Self.libraryFolders {
            let path = "\(folder)/libonload.so"
            guard try Self.isThere(path, on: machine) else { continue }
            library = path
            // The library is also a program that prints its version, which is always right.
            let result = try attempt("run \(path)") { () throws(SystemError) in
                try machine.run(ProgramCall(path, timeoutSeconds: 10))
            }
            banner = result.succeeded ? OnloadBanner(result.outputText) : nil
            if banner == nil {
                silence =
                    result.succeeded
                    ? "it says \"\(result.outputText.prefix(60).prefix { $0 != "\n" })\""
                    : "it \(result.endText)"
            }
            return
        }
    }

    private static func packages(
        kernel: String, on machine: any Machine
    ) throws(AgentFault) -> [String: String] {
        let names = OnloadDeclaration.families.flatMap {
            [$0, "\($0)-user", "\($0)-dkms", "\($0)-modules-\(kernel)", "\($0)-kmod-\(kernel)"]
        }
        let hasDpkg = try isThere(DpkgDatabase.statusPath, on: machine)
        let hasDatabase = hasDpkg ? true : try isThere(RPMDatabase.program, on: machine)
        guard hasDatabase else { return [:] }
        let database = try PackageDatabase(of: names, on: machine)
        var found: [String: String] = [:]
        for name in names {
            if let entry = database.entry(name), entry.isInstalled { found[name] = entry.version }
        }
        return found
    }

    /// The files of OpenOnload's modules by name, from modules.dep of that kernel.
    private static func list(
        of release: String, on machine: any Machine
    ) throws(AgentFault) -> [String: String] {
        let path = "/lib/modules/\(release)/modules.dep"
        let text = try machine.readText(path, limit: 32 << 20)
        var files: [String: String] = [:]
        for line in (text ?? "").filledLines {
            // There are thousands of lines: this check skips most of them cheaply.
            let file = line.prefix { $0 != ":" }
            guard file.contains(text: "sfc") || file.contains(text: "onload") else { continue }
            let name = String((file.split(separator: "/").last ?? "").prefix { $0 != "." })
            if OnloadDeclaration.modules.contains(name) {
                files[name] = "/lib/modules/\(release)/\(file)"
            }
        }
        return files
    }

    private mutating func readModules(
        _ kernel: String, on machine: any Machine
    ) throws(AgentFault) {
        let files = try Self.list(of: kernel, on: machine)
        for (name, path) in files.sorted(by: { $0.key < $1.key }) {
            guard try Self.isThere(path, on: machine) else { continue }
            modules[name] = try ModuleFile(path, on: machine)
        }
        for suffix in Self.compressions {
            let path = "/lib/modules/\(kernel)/\(Self.folderOfKernel)/sfc.ko\(suffix)"
            if path == files["sfc"] {
                sfcOfKernel = modules["sfc"]
            } else if files["sfc"] != nil, try Self.isThere(path, on: machine) {
                sfcOfKernel = try ModuleFile(path, on: machine)
            }
        }
        guard let onload = files["onload"] else { return }
        let beside = PathName.parent(of: onload)
        for suffix in Self.compressions {
            let path = "\(beside)/sfc.ko\(suffix)"
            if path != files["sfc"], try Self.isThere(path, on: machine) {
                sfcPassedOver = try ModuleFile(path, on: machine)
            }
        }
    }
}
