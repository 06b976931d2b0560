import Kinds

extension BootStage {
    private static let folder = "/etc/systemd/system"

    /// The name of the stage's unit, without `.service`.
    package var unit: String { self == .early ? "muster-boot" : "muster-boot-late" }
    var path: String { "\(BootStage.folder)/\(unit).service" }
    private var target: String { self == .early ? "sysinit.target" : "multi-user.target" }
    /// The symlink that enables the unit.
    var link: String { "\(BootStage.folder)/\(target).wants/\(unit).service" }

    /// The unit file.
    var text: String {
        let order =
            self == .early
            ? """
            DefaultDependencies=no
            Conflicts=shutdown.target
            After=local-fs.target systemd-modules-load.service systemd-sysctl.service
            Before=sysinit.target shutdown.target
            """
            : """
            After=network.target network-online.target
            """
        return """
            # Made by muster-agent, which puts it back; the settings are in \(BootSettings.folder).
            [Unit]
            Description=Kernel settings that muster keeps from boot to boot (\(rawValue))
            \(order)
            RequiresMountsFor=\(BootSettings.program)

            [Service]
            Type=oneshot
            RemainAfterExit=yes
            ExecStart=\(BootSettings.program) boot \(rawValue)

            [Install]
            WantedBy=\(target)

            """
    }
}
