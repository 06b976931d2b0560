import FleetModel
import Kinds

extension Kind {
    /// The behaviour of resources of this kind.
    package var behaviour: any ResourceBehaviour.Type {
        switch self {
        case .file: FileBehaviour.self
        case .directory: DirectoryBehaviour.self
        case .symlink: SymlinkBehaviour.self
        case .line: LineBehaviour.self
        case .sysctl: SysctlBehaviour.self
        case .package: PackageBehaviour.self
        case .packageRepository: PackageRepositoryBehaviour.self
        case .service: ServiceBehaviour.self
        case .unit: UnitBehaviour.self
        case .user: UserBehaviour.self
        case .group: GroupBehaviour.self
        case .authorizedKey: AuthorizedKeyBehaviour.self
        case .command: CommandBehaviour.self
        case .kernelCmdline: KernelCmdlineBehaviour.self
        case .kernelModule: KernelModuleBehaviour.self
        case .mount: MountBehaviour.self
        case .expect: ExpectBehaviour.self
        case .cpuIsolation: CPUIsolationBehaviour.self
        case .smt: SMTBehaviour.self
        case .ksm: KSMBehaviour.self
        case .hugepages: HugepagesBehaviour.self
        case .workqueue: WorkqueueBehaviour.self
        case .transparentHugepages: TransparentHugepagesBehaviour.self
        case .cpuPower: CPUPowerBehaviour.self
        case .irqAffinity: IRQAffinityBehaviour.self
        case .irqbalance: IrqbalanceBehaviour.self
        case .nic: NICBehaviour.self
        case .onload: OnloadBehaviour.self
        case .onloadProfile: OnloadProfileBehaviour.self
        case .network: NetworkBehaviour.self
        case .hostsEntry: HostsEntryBehaviour.self
        case .resolv: ResolvBehaviour.self
        case .nicFirmware: NICFirmwareBehaviour.self
        case .ptp: PTPBehaviour.self
        }
    }
}
