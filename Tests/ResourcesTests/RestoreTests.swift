import FleetModel
import Glibc
import Kinds
import TestSupport
import Testing
import Wire

@testable import Resources

/// Before-images bring back what was there, all of it but for what one list says.
@Suite struct RestoreTests {
    /// What each entry of the list leaves out here: kinds as a whole, single cases, paths.
    private struct Left {
        var kinds: [Kind] = []
        /// Of a case the paths, all of it where they begin with nothing.
        var cases: [String: [String]] = [:]
        var paths: [String] = []
    }

    private static let left: [NotRestored: Left] = [
        .commands: Left(kinds: [.command]),
        .firmware: Left(kinds: [.nicFirmware]),
        .vendorInstallation: Left(
            cases: ["onload/ports-lost": [""]],
            paths: [
                "/usr/lib",
                "/lib/modules/6.1.0-50-amd64/", "/proc/driver/onload/cp_server_pids",
            ]
                + ["onload", "sfc", "sfc_char", "sfc_resource"].flatMap {
                    ["/sys/module/\($0)/version", "/sys/module/\($0)/notes"]
                }),
        .homeDirectories: Left(paths: ["/home/", "/srv/algo", "/var/mail/"]),
        .removedPackages: Left(cases: ["package/purged": ["/var/lib/dpkg/status"]]),
        .offers: Left(paths: ["/var/lib/apt/lists/", "/var/cache"]),
        .broughtUp: Left(paths: ["/run/network"]),
        .unitsWithoutFile: Left(cases: ["service/gone-but-running": [""]]),
        .notAsInFiles: Left(
            cases: [
                "mount/other-options": [""], "resolv/resolved-not-restarted": [""],
                "ptp/sfptpd-older": [""],
            ]),
        .initramfs: Left(paths: ["/boot/initrd.img-", "/fake/initramfs-"]),
        .invalidPartitions: Left(cases: ["cpu_isolation/partition-invalid": [""]]),
    ]

    @Test func theListIsWholeAndSaysWhy() {
        #expect(Set(Self.left.keys) == Set(NotRestored.allCases))
        for exempt in NotRestored.allCases { #expect(exempt.reason.count > 20, "\(exempt)") }
        let cases = Set(ResourceFixture.all.filter(\.isApplied).map(\.testDescription))
        for name in Self.left.values.flatMap(\.cases.keys) {
            #expect(cases.contains(name), "no fixture \(name)")
        }
    }

    @Test(arguments: ResourceFixture.all.filter(\.isApplied))
    func putsEverythingBack(_ fixture: ResourceFixture) throws {
        let content = try fixture.read()
        let name = fixture.testDescription
        let left = Self.left.values.flatMap { $0.cases[name] ?? [] }
        if left.contains("")
            || Self.left.values.contains(where: { $0.kinds.contains(content.kind) })
        {
            return
        }
        let machine = try content.machine()
        let before = machine.nodes
        let state = try state(of: machine)
        let kept = KeptBlobs()
        var images: [BeforeImage] = []
        _ = try content.apply(on: machine, kept: kept, images: &images)
        Rewinder(before: before, name: content.name)
            .install(on: machine, hasSystemd: content.json["systemd"] != nil)
        for result in restore(images, from: kept, on: machine) {
            if case .failed(let fault) = result.outcome {
                Issue.record("\(result.image.json.canonicalText): \(fault.text)")
            }
        }
        let imaged = Set(images.map(\.subject))
        for line in difference(state, try self.state(of: machine)) {
            // A manager that reads its files may set up another interface by the way.
            let isOthers = line.hasPrefix("link ") && !imaged.contains { line.hasPrefix($0) }
            if !isOthers, !left.contains(where: { line.hasPrefix($0) }) { Issue.record("\(line)") }
        }
        machine.isReadOnly = true
        let again = restore(images, from: kept, on: machine)
        #expect(
            again.allSatisfy { !$0.outcome.isWork }, "not idempotent")
    }

    private func restore(
        _ images: [BeforeImage], from kept: KeptBlobs, on machine: FakeMachine
    ) -> [Restored] {
        Restore(machine: machine, settle: {}) { (digest) throws(AgentFault) in
            guard let blob = kept.blobs[digest] else {
                throw AgentFault("lost", "read a blob", cause: "none was kept")
            }
            return blob
        }.putBack(images)
    }

    /// Everything that can be seen of a machine, but for what the list leaves out.
    private func state(of machine: FakeMachine) throws -> [String: String] {
        var state: [String: String] = [:]
        let exempt = Self.left.values.flatMap(\.paths)
        for (path, node) in machine.nodes
        where !FakeMachine.isScratch(path) && path != "/fake/network"
            && !path.hasPrefix("/var/lib/muster") && !path.hasPrefix("/srv/muster")
            && !exempt.contains(where: { path.hasPrefix($0) })
        {
            // The folders of the kernel are there for what is in them.
            let isKernels = ["/sys", "/proc"].contains { (path + "/").hasPrefix($0 + "/") }
            if isKernels, node.content == .directory { continue }
            state[path] = Self.text(of: node, at: path)
        }
        for (link, driver) in machine.drivers {
            var members = driver.json.object ?? [:]
            members["sets"] = nil
            state["driver of \(link)"] = JSON.object(members).canonicalText
        }
        if machine.node("/fake/network") != nil {
            let network = try NetworkState(on: machine)
            for name in network.links.keys {
                state["link \(name) network"] = NetworkSnapshot.json(name, network).canonicalText
            }
        }
        return state
    }

    /// Account files are records: which comes first means nothing.
    private static func text(of node: FakeMachine.Node, at path: String) -> String {
        let accounts = ["passwd", "group", "shadow", "gshadow"].map { "/etc/\($0)" }
        guard accounts.contains(path), case .file(let bytes) = node.content else {
            return "\(node)"
        }
        return bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }.sorted()
            .joined(separator: "\n") + String(node.mode, radix: 8)
    }

    private func difference(_ before: [String: String], _ after: [String: String]) -> [String] {
        Set(before.keys).union(after.keys).sorted().filter { before[$0] != after[$0] }
            .map { "\($0): \(before[$0] ?? "nothing") → \(after[$0] ?? "nothing")" }
    }
}

extension Restored.Outcome {
    /// Whether something was done or tried.
    fileprivate var isWork: Bool {
        switch self {
        case .putBack, .failed: true
        default: false
        }
    }
}
