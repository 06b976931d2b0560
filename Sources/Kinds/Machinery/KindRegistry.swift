import FleetModel
import Wire

extension Kind {
    /// The type of a declaration of this kind.
    package var declarationType: any ResourceDeclaration.Type {
        switch self {
        case .file: FileDeclaration.self
        case .directory: DirectoryDeclaration.self
        case .symlink: SymlinkDeclaration.self
        case .line: LineDeclaration.self
        case .sysctl: SysctlDeclaration.self
        case .package: PackageDeclaration.self
        case .packageRepository: PackageRepositoryDeclaration.self
        case .service: ServiceDeclaration.self
        case .unit: UnitDeclaration.self
        case .user: UserDeclaration.self
        case .group: GroupDeclaration.self
        case .authorizedKey: AuthorizedKeyDeclaration.self
        case .command: CommandDeclaration.self
        case .kernelCmdline: KernelCmdlineDeclaration.self
        case .kernelModule: KernelModuleDeclaration.self
        case .mount: MountDeclaration.self
        case .expect: ExpectDeclaration.self
        case .cpuIsolation: CPUIsolationDeclaration.self
        case .smt: SMTDeclaration.self
        case .ksm: KSMDeclaration.self
        case .hugepages: HugepagesDeclaration.self
        case .workqueue: WorkqueueDeclaration.self
        case .transparentHugepages: TransparentHugepagesDeclaration.self
        case .cpuPower: CPUPowerDeclaration.self
        case .irqAffinity: IRQAffinityDeclaration.self
        case .irqbalance: IrqbalanceDeclaration.self
        case .nic: NICDeclaration.self
        case .onload: OnloadDeclaration.self
        case .onloadProfile: OnloadProfileDeclaration.self
        case .network: NetworkDeclaration.self
        case .hostsEntry: HostsEntryDeclaration.self
        case .resolv: ResolvDeclaration.self
        case .nicFirmware: NICFirmwareDeclaration.self
        case .ptp: PTPDeclaration.self
        }
    }

    /// The kind's schema.
    package var schema: KindSchema { declarationType.schema }

    /// Reads a resource of this kind; see ``ResourceDeclaration/init(name:attributes:)``.
    package func declaration(
        name: String, attributes: [String: JSON]
    ) throws(AttributeFault) -> any ResourceDeclaration {
        try declarationType.init(name: name, attributes: attributes)
    }
}
