import HostFacts
import Isolation
import Kinds
import Linux
import TestSupport
import Testing
import Wire

/// A machine as compact text, the policies tried on it, and what each is to give.
///
/// ```
/// files masks                       what sysfs has: lists (if nothing is said) or masks
/// offline 1                         CPUs present but off
/// core 0,8 node 0 package 0 l3 0-3  a core's threads; node and package may be left out
/// node 3                            a node without CPUs
/// overlap 1 0-3                     what a node says it has, whatever the cores say
/// nic eth0 1                        an interface and its node; - where the firmware does not tell
/// nic eth1 - local 4-7              … but names the CPUs near it
/// file PATH TEXT                    a file of the machine over what the rest makes; `none`: no file
/// policy isolate=all housekeeping=1 smt=park near=eth0 mechanism=boot
/// housekeeping 0,8                  of the policy above
/// refused TEXT                      the policy above is refused, and says so
/// note TEXT                         a finding of the policy above has this
/// ```
struct TopologyFixture {
    struct Trial {
        var policy: IsolationPolicy
        var text: String
        var sets: [String: String] = [:]
        var refused: String?
        var notes: [String] = []
    }

    struct Malformed: Error { let line: String }

    private(set) var files: [String: String] = [:]
    private(set) var links: [String: String] = [:]
    private(set) var trials: [Trial] = []

    private static let cpus = "/sys/devices/system/cpu"
    private static let nodes = "/sys/devices/system/node"

    init(_ text: String) throws {
        var hasMasks = false
        var offline = CPUList([])
        var cores: [(threads: CPUList, node: String?, package: String?, l3: String?)] = []
        var nodeCPUs: [String: [Int]] = [:]
        var said: [String: CPUList] = [:]
        var overrides: [(path: String, text: String)] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            func value(_ name: String) -> String? {
                words.firstIndex(of: name).flatMap {
                    words.indices.contains($0 + 1) ? words[$0 + 1] : nil
                }
            }
            switch words[0] {
            case "files": hasMasks = words[1] == "masks"
            case "offline": offline = try CPUList(parsing: words[1])
            case "core":
                let threads = try CPUList(parsing: words[1])
                cores.append((threads, value("node"), value("package"), value("l3")))
                if let node = value("node") { nodeCPUs[node, default: []] += threads.numbers }
            case "node": nodeCPUs[words[1]] = []
            case "overlap": said[words[1]] = try CPUList(parsing: words[2])
            case "nic": addInterface(words[1], node: words[2], local: value("local"))
            case "file":
                overrides.append((words[1], words.dropFirst(2).joined(separator: " ")))
            case "policy": trials.append(try Self.trial(words))
            case "housekeeping", "isolated", "hot", "parked":
                trials[trials.count - 1].sets[words[0]] = words.count > 1 ? words[1] : ""
            case "refused":
                trials[trials.count - 1].refused = words.dropFirst().joined(separator: " ")
            case "note":
                trials[trials.count - 1].notes.append(words.dropFirst().joined(separator: " "))
            default: throw Malformed(line: String(line))
            }
        }
        func put(_ path: String, _ list: CPUList, list listName: String, mask maskName: String) {
            // As kernels print them: in groups of eight digits.
            let mask = list.mask
            let short = mask.prefix { $0 != "," }.count
            let padded = String(repeating: "0", count: 8 - short) + mask
            files["\(path)/\(hasMasks ? maskName : listName)"] =
                (hasMasks ? padded : list.text) + "\n"
        }
        let present = CPUList(cores.flatMap(\.threads.numbers)).union(offline)
        files["\(Self.cpus)/online"] = present.subtracting(offline).text + "\n"
        files["\(Self.cpus)/present"] = present.text + "\n"
        files["\(Self.cpus)/possible"] = present.text + "\n"
        files["\(Self.cpus)/offline"] = offline.text + "\n"
        for core in cores {
            for cpu in core.threads.subtracting(offline).numbers {
                let folder = "\(Self.cpus)/cpu\(cpu)"
                put(
                    "\(folder)/topology", core.threads.subtracting(offline),
                    list: "thread_siblings_list", mask: "thread_siblings")
                files["\(folder)/topology/physical_package_id"] = (core.package ?? "-1") + "\n"
                // Not unique, as on machines where it restarts in each package.
                files["\(folder)/topology/core_id"] = "0\n"
                if let l3 = core.l3 {
                    files["\(folder)/cache/index3/level"] = "3\n"
                    put(
                        "\(folder)/cache/index3", try CPUList(parsing: l3),
                        list: "shared_cpu_list", mask: "shared_cpu_map")
                }
            }
        }
        for (node, cpus) in nodeCPUs {
            put(
                "\(Self.nodes)/node\(node)", said[node] ?? CPUList(cpus), list: "cpulist",
                mask: "cpumap")
        }
        for (path, text) in overrides { files[path] = text == "none" ? nil : text + "\n" }
    }

    private mutating func addInterface(_ name: String, node: String, local: String?) {
        let folder = "/sys/class/net/\(name)"
        links["\(folder)/device"] = "../../devices/\(name)"
        let device = "/sys/class/devices/\(name)"
        files["\(device)/numa_node"] = (node == "-" ? "-1" : node) + "\n"
        if let local { files["\(device)/local_cpulist"] = local + "\n" }
        files["\(folder)/address"] = "02:00:00:00:00:01\n"
    }

    private static func trial(_ words: [String]) throws -> Trial {
        var policy = IsolationPolicy()
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw Malformed(line: word) }
            switch parts[0] {
            case "isolate": policy.scope = try IsolationPolicy.scope(parts[1])
            case "housekeeping": policy.housekeepingCoresPerNode = Int(parts[1]) ?? -1
            case "smt": policy.threads = try #require(IsolationPolicy.Threads(rawValue: parts[1]))
            case "near": policy.near = parts[1]
            case "mechanism":
                policy.mechanism = try #require(IsolationPolicy.Mechanism(rawValue: parts[1]))
            default: throw Malformed(line: word)
            }
        }
        return Trial(policy: policy, text: words.joined(separator: " "))
    }

    /// The facts that are read off the machine, through files.
    func facts() throws -> JSON {
        let root = try TemporaryDirectory()
        let machine = LocalMachine(root: root.path)
        func makeFolder(of path: String) throws {
            let made = try ProcessRunner.run(
                ProgramCall("/bin/mkdir", ["-p", root.path + PathName.parent(of: path)]))
            try #require(made.succeeded, "\(made.errorText)")
        }
        for path in Set((Array(files.keys) + Array(links.keys)).map { PathName.parent(of: $0) })
            .sorted()
        {
            try makeFolder(of: path + "/x")
        }
        for (path, text) in files {
            // Some kernels write NUL bytes; a fixture writes \0.
            let bytes = Array(text.replacingNULs().utf8)
            try machine.replaceFile(path, content: bytes, mode: 0o644, uid: 0, gid: 0)
        }
        for (path, target) in links {
            try machine.replaceLink(path, target: target)
        }
        return FactsReader(machine: machine).hardware()
    }
}

extension String {
    fileprivate func replacingNULs() -> String {
        split(separator: "\\0", omittingEmptySubsequences: false).joined(separator: "\0")
    }
}
