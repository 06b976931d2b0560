import Linux
import Wire

/// The boot loader, which loads the kernel and keeps its command line between boots.
enum BootFacts {
    /// `grub`, `grub-bls` (entries of the Boot Loader Specification) or `systemd-boot`.
    ///
    /// Null, with a note, where none or more than one is found: muster does not guess which boots.
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
                "boot_loader", "both \(grub) and \(systemd)/loader/loader.conf exist")
        case (nil, nil):
            return probe.fail(
                "boot_loader", "neither grub.cfg nor loader.conf below /boot, /efi or /boot/efi")
        }
    }

    private static func isThere(_ path: String, _ probe: Probe) -> Bool {
        (try? probe.machine.status(path, followLinks: true)) != nil
    }

    /// Whether /etc/default/grub tells Red Hat's GRUB to read Boot Loader Specification entries.
    private static func isBLS(_ probe: Probe) -> Bool {
        let lines = (probe.optionalText("/etc/default/grub") ?? "").filledLines
        let setting = lines.last { $0.hasPrefix("GRUB_ENABLE_BLSCFG=") }
        return setting?.dropFirst("GRUB_ENABLE_BLSCFG=".count).filter { $0 != "\"" } == "true"
    }
}
