import Linux
import TestSupport

extension Repository {
    /// All files below a folder whose names end so, as paths from the top level.
    static func files(below folder: String, ending: String) throws -> [String] {
        let machine = LocalMachine()
        var found: [String] = []
        var folders = [folder]
        while let next = folders.popLast() {
            for name in try machine.list(PathName.join(root, next)) {
                let path = PathName.join(next, name)
                let status = try machine.status(PathName.join(root, path), followLinks: false)
                if status.type == .directory {
                    folders.append(path)
                } else if name.hasSuffix(ending) {
                    found.append(path)
                }
            }
        }
        return found.sorted()
    }

    static func text(_ path: String) throws -> String {
        let bytes = try LocalMachine().read(PathName.join(root, path), limit: 16 << 20)
        return String(decoding: bytes, as: UTF8.self)
    }

    static func lines(_ path: String) throws -> [Substring] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false)
    }
}
