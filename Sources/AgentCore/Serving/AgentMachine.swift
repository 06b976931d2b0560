import Linux

/// This machine as a worker sees it: each call is published before it is made, and programs are
/// started by a given function.
final class AgentMachine: Machine {
    private let base = LocalMachine()
    private let board: ActivityBoard
    /// For a worker in the sandbox, which may not open sockets; nil elsewhere.
    private let links: LinkSocket?
    private let chrony: ChronySocket?
    private let start: (ProgramCall) throws(SystemError) -> ProgramResult

    init(
        _ board: ActivityBoard, links: LinkSocket? = nil, chrony: ChronySocket? = nil,
        start: @escaping (ProgramCall) throws(SystemError) -> ProgramResult
    ) {
        self.board = board
        self.links = links
        self.chrony = chrony
        self.start = start
    }

    func status(_ path: String, followLinks: Bool) throws(SystemError) -> FileStatus {
        board.publish("look at", path)
        return try base.status(path, followLinks: followLinks)
    }

    func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        board.publish("read", path)
        return try base.read(path, limit: limit)
    }

    func read(_ path: String, inPieces body: ([UInt8]) -> Void) throws(SystemError) {
        board.publish("read", path)
        try base.read(path, inPieces: body)
    }

    func read(_ path: String, from offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        board.publish("read", path)
        return try base.read(path, from: offset, count: count)
    }

    func linkTarget(_ path: String) throws(SystemError) -> String {
        board.publish("read the link", path)
        return try base.linkTarget(path)
    }

    func list(_ path: String) throws(SystemError) -> [String] {
        board.publish("list", path)
        return try base.list(path)
    }

    func run(_ call: ProgramCall) throws(SystemError) -> ProgramResult {
        board.publish("run", call.path)
        return try start(call)
    }

    func replaceFile(
        _ path: String, content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        board.publish("write", path)
        try base.replaceFile(path, content: content, mode: mode, uid: uid, gid: gid)
    }

    func replaceFile(
        _ path: String, copyOf source: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        board.publish("write", path)
        try base.replaceFile(path, copyOf: source, mode: mode, uid: uid, gid: gid)
    }

    func writeInPlace(_ path: String, _ content: [UInt8]) throws(SystemError) {
        board.publish("write", path)
        try base.writeInPlace(path, content)
    }

    func makeDirectory(
        _ path: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        board.publish("make", path)
        try base.makeDirectory(path, mode: mode, uid: uid, gid: gid)
    }

    func replaceLink(_ path: String, target: String) throws(SystemError) {
        board.publish("link", path)
        try base.replaceLink(path, target: target)
    }

    func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        board.publish("change the mode of", path)
        try base.setMode(path, mode)
    }

    func setOwner(_ path: String, uid: UInt32, gid: UInt32) throws(SystemError) {
        board.publish("change the owner of", path)
        try base.setOwner(path, uid: uid, gid: gid)
    }

    func rename(_ from: String, to: String) throws(SystemError) {
        board.publish("rename", from)
        try base.rename(from, to: to)
    }

    func askLink(
        _ interface: String, _ request: LinkRequest, _ message: [UInt8]
    ) throws(SystemError) -> [UInt8] {
        board.publish("ask the driver of", interface)
        guard let links else { return try base.askLink(interface, request, message) }
        return try links.ask(interface, request, message)
    }

    func askChrony(_ message: [UInt8]) throws(SystemError) -> [UInt8] {
        board.publish("ask", "chronyd")
        guard let chrony else { return try base.askChrony(message) }
        return try chrony.ask(message)
    }

    func setAffinity(of pid: Int, _ mask: [UInt8]) throws(SystemError) {
        board.publish("move", "/proc/\(pid)")
        try base.setAffinity(of: pid, mask)
    }

    func remove(_ path: String) throws(SystemError) {
        board.publish("remove", path)
        try base.remove(path)
    }
}
