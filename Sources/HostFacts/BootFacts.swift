import Linux
import Wire

/// What loads the kernel, and where its command line is kept between boots.
enum BootFacts {
    /// `grub`, `grub-bls` (entries of the Boot Loader Specification) or `systemd-boot`.
    ///
    /// Null, noted, where none or more than one shows: which of two boots is not to be guessed.
    static func loader(_ probe: inout Probe) -> JSON {
        let grub = ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"].first { isThere($0, probe) }
        let systemd = ["/boot", "/efi", "/boot/efi"].first {
            isThere("\($0)/loader/loader.conf", probe)
        }
        switch (grub, systemd) {
        case (_?, nil):
            return isBLS(probe) ? "grub-bls" : "grub"
        case (nil, _?): return "systemd-boot"
        case (let grub?, let systemd?):
            return probe.fail(
                "boot_loader", "both \(grub) and \(systemd)/loader/loader.conf are there")
        case (nil, nil):
            return probe.fail(
                "boot_loader", "neither grub.cfg nor loader.conf below /boot, /efi or /boot/efi")
        }
    }

    private static func isThere(_ path: String, _ probe: Probe) -> Bool {
        (try? probe.machine.status(path, followLinks: true)) != nil
    }

    /// Red Hat's GRUB reads entries when /etc/default/grub says so, and where they are.
    private static func isBLS(_ probe: Probe) -> Bool {
        let lines = (probe.optionalText("/etc/default/grub") ?? "").filledLines
        let setting = lines.last { $0.hasPrefix("GRUB_ENABLE_BLSCFG=") }
        return setting?.dropFirst("GRUB_ENABLE_BLSCFG=".count).filter { $0 != "\"" } == "true"
    }
}
