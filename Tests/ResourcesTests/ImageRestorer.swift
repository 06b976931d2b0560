import FleetModel
import Kinds
import TestSupport
import Wire

extension FakeMachine {
    /// Puts back what the images say was there; false where one is not of a path or a parameter.
    func restore(_ images: [BeforeImage], from kept: KeptBlobs) -> Bool {
        for image in images {
            switch image {
            case .nothing(let path): take(path)
            case .file(let path, let content, let mode, let uid, let gid):
                take(path)
                put(
                    path, .file(kept.blobs[content] ?? []), mode: UInt32(mode), uid: UInt32(uid),
                    gid: UInt32(gid))
            case .directory(let path, let mode, let uid, let gid):
                put(path, .directory, mode: UInt32(mode), uid: UInt32(uid), gid: UInt32(gid))
            case .symlink(let path, let target):
                take(path)
                put(path, .link(target))
            case .metadata(let path, let mode, let uid, let gid):
                guard let node = node(path) else { return false }
                put(path, node.content, mode: UInt32(mode), uid: UInt32(uid), gid: UInt32(gid))
            case .sysctl(let key, let value):
                put(SysctlKey(key).procPath, text: value + "\n")
            case .kernelFile(let path, let value):
                try? writeInPlace(path, Array((value + "\n").utf8))
            case .affinity(let pid, let cpus):
                try? setAffinity(of: pid, CPUList(parsing: cpus).bytes)
            default: return false
            }
        }
        return true
    }
}
