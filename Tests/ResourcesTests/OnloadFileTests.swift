import FleetModel
import Linux
import TestSupport
import Testing

@testable import Resources

/// Files of OpenOnload as real tools make them, read by our own readers.
@Suite(.timeLimit(.minutes(2))) struct OnloadFileTests {
    private let machine = LocalMachine()
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func shell(_ script: String, _ arguments: String...) throws -> String {
        let call = ProgramCall(
            "/bin/sh", ["-ec", script, "sh"] + arguments, directory: folder.path,
            timeoutSeconds: 60)
        let result = try ProcessRunner.run(call)
        try #require(result.succeeded, "\(script): \(result.errorText)")
        return result.outputText
    }

    /// What a compiler and linker make: the section of modinfo, and a build-id.
    private func compile(_ name: String, version: String) throws {
        let source = """
            const char version[] __attribute__((section(".modinfo"), used)) = "version=\(version) ";
            const char magic[] __attribute__((section(".modinfo"), used)) =
                "vermagic=6.1.0-50-amd64 SMP preempt mod_unload modversions ";
            """
        try machine.replaceFile(
            folder.path("\(name).c"), content: Array(source.utf8), mode: 0o644, uid: 0, gid: 0)
        _ = try shell("gcc -shared -nostdlib -Wl,--build-id -o \"$1.ko\" \"$1.c\"", name)
    }

    @Test func aModuleSaysWhatItIs() throws {
        try compile("onload", version: "9.2.1")
        let file = try ModuleFile(folder.path("onload.ko"), on: machine)
        let notes = try shell("readelf --notes onload.ko | sed -n 's/.*Build ID: //p'")
        #expect(file.buildID == notes.filter { $0 != "\n" })
        #expect(file.buildID.utf8.count == 40)
        #expect(file.version == "9.2.1 ")
        #expect(file.kernel == "6.1.0-50-amd64")
        #expect(file.label == "9.2.1")

        _ = try shell("xz -k onload.ko; gzip -k onload.ko")
        for suffix in ["xz", "gz"] {
            let packed = try ModuleFile(folder.path("onload.ko.\(suffix)"), on: machine)
            #expect(packed.buildID == file.buildID && packed.version == file.version)
        }
    }

    /// A file that is cut short or damaged anywhere is a fault or reads as what is left of it.
    @Test func aDamagedModuleLeadsNowhere() throws {
        try compile("sfc", version: "6.4.0.1003")
        let whole = try machine.read(folder.path("sfc.ko"), limit: 1 << 20)
        for length in stride(from: 0, to: whole.count, by: 97) {
            _ = try? ModuleFile(path: "sfc.ko", content: Array(whole.prefix(length)), on: machine)
        }
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<2_000 {
            var damaged = whole
            for _ in 0..<4 {
                damaged[Int.random(in: 0..<64, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
                let table = max(0, whole.count - 1_200)
                damaged[Int.random(in: table..<whole.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            _ = try? ModuleFile(path: "sfc.ko", content: damaged, on: machine)
        }
        #expect(throws: AgentFault.self) {
            try ModuleFile(path: "sfc.ko", content: Array("no module".utf8), on: machine)
        }
    }

    /// Microcode first and not compressed, then the system, by each program that is there.
    @Test(arguments: ["gzip", "xz", "cat"])
    func anInitramfsHoldsItsModule(_ program: String) throws {
        try compile("sfc", version: "6.1.0.1009")
        let module = try ModuleFile(folder.path("sfc.ko"), on: machine)
        _ = try shell(
            """
            mkdir -p early/kernel/x86/microcode main/usr/lib/modules/6.1.0/extra main/usr/lib/modules/6.1.0/kernel
            head -c 5000 /dev/urandom >early/kernel/x86/microcode/GenuineIntel.bin
            cp sfc.ko main/usr/lib/modules/6.1.0/extra/sfc.ko
            echo another >main/usr/lib/modules/6.1.0/kernel/sfc-siena.ko
            (cd early && find . | cpio --quiet -o -H newc) >image
            (cd main && find usr | cpio --quiet -o -H newc) | "$1" >>image
            """, program)
        let image = folder.path("image")
        let found = try InitramfsModule("sfc", image: image, on: machine)
        guard case .copy(let copy, _) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(copy.buildID == module.buildID)
        #expect(copy.path == "usr/lib/modules/6.1.0/extra/sfc.ko")
        #expect(try InitramfsModule("onload", image: image, on: machine) == .none)
    }

    @Test func anImageThatIsNoneIsNotTakenForOne() throws {
        for (name, bytes) in [("empty", []), ("noise", Array("noise of some kind".utf8))] {
            let path = folder.path(name)
            try machine.replaceFile(path, content: bytes, mode: 0o644, uid: 0, gid: 0)
            guard case .unread = try InitramfsModule("sfc", image: path, on: machine) else {
                Issue.record("\(name) was read")
                continue
            }
        }
        let cut = folder.path("cut")
        try machine.replaceFile(
            cut, content: [0x1F, 0x8B, 8, 0, 1, 2], mode: 0o644, uid: 0, gid: 0)
        guard case .unread = try InitramfsModule("sfc", image: cut, on: machine) else {
            Issue.record("an image that ends at once was read")
            return
        }
    }

    @Test(arguments: [
        ("Onload 9.2.1 \nx\nBuilt: May (release)\n", "9.2.1", "", false),
        ("OpenOnload 9.2.0.43 cloud\n", "9.2.0.43", "cloud", false),
        (
            "EnterpriseOnload a1b2c3 2026-07-22 master\nBuilt: x (debug)\n", "a1b2c3",
            "2026-07-22 master", true
        ),
    ])
    func aBannerIsRead(
        _ text: String, _ version: String, _ profile: String, _ isDebug: Bool
    ) throws {
        let banner = try #require(OnloadBanner(text))
        #expect(banner.version.text == version && banner.version.profile == profile)
        #expect(banner.isDebug == isDebug)
        #expect(OnloadBanner("") == nil && OnloadBanner("onload: not found\n") == nil)
    }

    @Test(arguments: [
        ("9.2.1-1", "9.2.1", true), ("9.2.1.43-1", "9.2.1", false), ("9_2_1-1", "9.2.1", true),
        ("9.2.1~DEBUG-1", "9.2.1", true), ("1:9.2.1-1", "9.2.1", true), ("9.0.2-1", "9.2.1", false),
    ])
    func aPackageIsOfAVersion(_ package: String, _ version: String, _ isOf: Bool) {
        #expect(OnloadVersion.isPackage(package, of: version) == isOf)
    }

    @Test func versionsAreOlderByTheirNumbers() {
        #expect(OnloadVersion.isOlder("9.1.1.66", than: "9.2.0"))
        #expect(OnloadVersion.isOlder("9.2", than: "10.0"))
        #expect(!OnloadVersion.isOlder("v9.2.0", than: "9.2.0"))
        #expect(!OnloadVersion.isOlder("1.3.2.105", than: "1.3.2.105"))
    }
}
