import FleetModel
import HostFacts
import Linux
import TestSupport
import Testing
import Wire

@Suite struct FactsReaderTests {
    /// A copied root with two nodes, SMT, and the odd encodings that real kernels have.
    private func copiedRoot() throws -> TemporaryDirectory {
        let root = try TemporaryDirectory()
        var files: [String: String] = [
            "/proc/sys/kernel/hostname": "md1\n",
            "/proc/sys/kernel/osrelease": "6.1.0-28-amd64\n",
            "/proc/sys/kernel/arch": "x86_64\n",
            "/proc/cmdline": "BOOT_IMAGE=/vmlinuz isolcpus=2-3\n",
            "/proc/cpuinfo": "processor\t: 0\nmodel name\t: Example(R) CPU  @ 3GHz\nflags\t: fpu\n",
            "/proc/meminfo": "MemTotal:       65536 kB\nMemFree: 1 kB\n",
            "/proc/1/comm": "systemd\n",
            "/etc/os-release": "ID=rocky\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n",
            "/sys/devices/system/cpu/online": "0-3\n",
            "/sys/devices/system/cpu/possible": "0-7\n",
            "/sys/devices/system/cpu/isolated": "2-3\n",
            "/sys/devices/system/cpu/nohz_full": "  (null)\n",
            "/sys/devices/system/node/node0/cpulist": "0,2\n",
            "/sys/devices/system/node/node0/meminfo": "Node 0 MemTotal:  32768 kB\n",
            "/sys/devices/system/node/node2/cpulist": "1,3\n",
            "/sys/devices/system/node/node2/meminfo": "Node 2 MemTotal:  32768 kB\n",
            "/sys/class/dmi/id/sys_vendor": "Example Inc.\n",
            "/proc/modules": "sfc 1 0 - Live 0x0\n",
            "/sys/module/sfc/version": "5.3.16\n",
            "/proc/interrupts":
                "           CPU0       CPU1       CPU2       CPU3\n"
                + "  1:          0          9          0          0   IO-APIC    1-edge      i8042\n"
                + "  8:          0          0          0          0   IO-APIC    8-edge\n"
                + " 24:          1          2          3          4  PCI-MSIX-0000:01:00.0    0-edge"
                + "      eth0-rx-0, eth0-tx-0\n"
                + "NMI:          0          0          0          0   Non-maskable interrupts\n",
            "/proc/irq/1/smp_affinity_list": "0-3\n",
            "/proc/irq/1/effective_affinity_list": "1\n",
            "/proc/irq/24/smp_affinity_list": "0-3\n",
            "/proc/irq/24/effective_affinity_list": "2\n",
            "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "8\n",
            "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "7\n",
            "/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages": "0\n",
            "/sys/kernel/mm/hugepages/hugepages-2048kB/surplus_hugepages": "0\n",
            "/proc/self/mounts": "tmpfs /mnt/a\\040b tmpfs rw,noexec 0 0\n",
            "/var/lib/dpkg/status":
                "Package: a\nStatus: install ok installed\nVersion: 1.10-1\n\n"
                + "Package: gone\nStatus: deinstall ok config-files\nVersion: 2\n",
        ]
        for cpu in 0..<4 {
            let folder = "/sys/devices/system/cpu/cpu\(cpu)/topology"
            files["\(folder)/thread_siblings_list"] = cpu < 2 ? "0-1\n" : "2-3\n"
            files["\(folder)/physical_package_id"] = "\(cpu / 2)\n"
        }
        let machine = LocalMachine(root: root.path)
        for (path, content) in files {
            var folders: [String] = []
            var folder = PathName.parent(of: path)
            while folder != "/" {
                folders.append(folder)
                folder = PathName.parent(of: folder)
            }
            for folder in folders.reversed()
            where try machine.statusIfPresent(folder) == nil {
                try machine.makeDirectory(folder, mode: 0o755, uid: 0, gid: 0)
            }
            try machine.replaceFile(
                path, content: Array(content.utf8), mode: 0o644, uid: 0, gid: 0)
        }
        return root
    }

    @Test func readsACopiedRoot() throws {
        let root = try copiedRoot()
        let facts = FactsReader(machine: LocalMachine(root: root.path)).hardware()
        #expect(facts["architecture"] == "x86_64")
        #expect(facts["kernel"]?["release"] == "6.1.0-28-amd64")
        #expect(facts["distribution"]?["family"] == "rhel")
        #expect(facts["memory_bytes"] == 67_108_864)
        let cpu: JSON = [
            "model": "Example(R) CPU @ 3GHz", "online": "0-3", "possible": "0-7", "count": 4,
            "cores": 2, "sockets": 2, "threads_per_core": 2, "isolated": "2-3", "nohz_full": "",
            "siblings": ["0-1", "2-3"], "packages": ["0": "0-1", "1": "2-3"], "offline": .null,
            "present": .null, "dies": .null, "l3": .null, "smt": .null,
            "frequency_driver": "none", "idle_driver": "none", "vulnerabilities": [:],
        ]
        #expect(facts["cpu"] == cpu)
        #expect(facts["numa"]?["2"]?["cpus"] == "1,3")
        #expect(facts["dmi"]?["sys_vendor"] == "Example Inc.")
        // What is not in the copy is null, and says why.
        #expect(facts["dmi"]?["bios_version"] == .null)
        #expect(facts["unknown"]?["dmi.bios_version"]?.string?.contains("No such file") == true)
        #expect(facts["unknown"]?["nics"] != nil)
    }

    @Test func readsTheLiveState() throws {
        let root = try copiedRoot()
        let reader = FactsReader(machine: LocalMachine(root: root.path))
        let live = reader.live([
            "packages", "modules", "mounts", "services", "weather", "irqs", "hugepages", "links",
        ])
        let irq: JSON = [
            "actions": ["eth0-rx-0", "eth0-tx-0"], "affinity": "0-3", "effective": "2",
            "interface": .null,
        ]
        #expect(live["irqs"]?["24"] == irq)
        // A count of the CPUs is not an interrupt, nor is one without an action.
        #expect(live["irqs"]?.object?.keys.sorted() == ["1", "24"])
        #expect(live["hugepages"]?["sizes"]?["2048"]?["free"] == 7)
        #expect(live["hugepages"]?["nodes"]?["0"] == .null)
        #expect(live["links"] == .null && live["unknown"]?["links"] != nil)
        #expect(live["packages"] == ["a": "1.10-1"])
        #expect(live["modules"]?["sfc"]?["version"] == "5.3.16")
        #expect(live["mounts"]?["/mnt/a b"]?["options"] == ["rw", "noexec"])
        #expect(live["services"] == .null)
        #expect(live["unknown"]?["services"] != nil)
        #expect(live["unknown"]?["weather"] == "there is no such section of the live state")
    }

    /// Every path the reader gives is in the schema, and the other way round, also on this machine.
    @Test func theReaderKeepsToTheSchema() throws {
        let root = try copiedRoot()
        for machine in [LocalMachine(root: root.path), LocalMachine()] {
            let reader = FactsReader(machine: machine)
            let hardware = reader.hardware()
            #expect(
                Set(hardware.object?.keys.map { $0 } ?? [])
                    == FactsSchema.sections(FactsSchema.hardware))
            expect(FactsSchema.hardware, in: hardware)
            let sections = FactsSchema.sections(FactsSchema.live)
            let live = reader.live(sections.sorted())
            #expect(
                Set(live.object?.keys.map { $0 } ?? []) == sections.union(["unknown"]))
            expect(FactsSchema.live, in: live)
            // A section of the schema that the reader does not know.
            let unknown = live["unknown"]?.object ?? [:]
            #expect(!unknown.values.contains("there is no such section of the live state"))
        }
    }

    /// Each path has a value of its type, or is null, or lies below what is.
    private func expect(_ entries: [FactsSchema.Entry], in facts: JSON) {
        for entry in entries {
            var value: JSON? = facts
            for part in entry.path.split(separator: ".") where value != .null {
                value = value?[String(part)]
            }
            switch (entry.type, value) {
            case (_, nil): Issue.record("\(entry.path) is missing")
            case (_, .null), ("string", .string), ("cpu_list", .string), ("integer", .integer),
                ("map", .object), ("list of cpu_list", .array), ("list of integer", .array),
                ("list of string", .array):
                break
            default: Issue.record("\(entry.path) is not \(entry.type): \(value ?? .null)")
            }
        }
    }

    /// The versions of a host without dpkg are rpm's: with epochs, and of a kernel the newest.
    @Test func packagesOfAHostOfRPM() throws {
        let machine = FakeMachine()
        machine.put("/usr/bin/rpm", text: "", mode: 0o755)
        func read(_ output: String, errors: String = "", status: Int32 = 0) -> JSON {
            machine.programs["/usr/bin/rpm"] = { call, _ in
                #expect(call.arguments.first == "-qa")
                return ProgramResult(
                    end: .exited(status), output: Array(output.utf8),
                    errorOutput: Array(errors.utf8))
            }
            return FactsReader(machine: machine).live(["packages"])
        }
        let live = read(
            "bash\t5.1.8-9.el9\nkernel-core\t5.14.0-427.el9\nkernel-core\t5.14.0-70.el9\n"
                + "chrony\t0:4.5-1.el9\nopenssl\t1:3.0.7-27.el9\ngpg-pubkey\t350d275d-6279464b\n")
        #expect(
            live["packages"] == [
                "bash": "5.1.8-9.el9", "kernel-core": "5.14.0-427.el9", "chrony": "4.5-1.el9",
                "openssl": "1:3.0.7-27.el9",
            ])
        #expect(live["unknown"] == [:])
        // rpm calls a database that it cannot read empty.
        for broken in [
            read("", errors: "error: cannot open Packages database in /var/lib/rpm\n"),
            read("bash\t5.1.8-9.el9\n", errors: "error: rpmdbNextIterator: skipping h#\n"),
            read("", status: 1), read(""),
        ] {
            #expect(broken["packages"] == .null)
            #expect(broken["unknown"]?["packages"]?.string?.hasPrefix("rpm -qa ") == true)
        }
        // A host with dpkg is Debian's, whatever tools it has.
        machine.put(
            "/var/lib/dpkg/status",
            text: "Package: rpm\nStatus: install ok installed\nVersion: 4.18-1\n")
        #expect(read("bash\t1-1\n")["packages"] == ["rpm": "4.18-1"])
        machine.take("/usr/bin/rpm")
        machine.take("/var/lib/dpkg")
        #expect(
            read("")["unknown"]?["packages"]
                == "there is neither /var/lib/dpkg/status nor /usr/bin/rpm")
    }

    /// Facts are hashed: reading twice gives the same bytes.
    @Test func hardwareFactsStayTheSame() {
        let reader = FactsReader(machine: LocalMachine())
        #expect(reader.hardware().canonicalBytes == reader.hardware().canonicalBytes)
    }
}
