import Glibc
import Linux

/// A machine in memory: files, directories, links and programs that answer as told.
///
/// Every call is recorded. The n-th call can be made to fail, and writing can be forbidden, so that a
/// behaviour that writes while it reads is found out. Links are followed as the kernel does, in every
/// component but the last. Files below /proc and /sys read 0 bytes long and end in a newline.
package final class FakeMachine: Machine {
    package enum Content: Equatable {
        case file([UInt8])
        case directory
        case link(String)
        /// A socket, fifo or device.
        case other(FileStatus.FileType)
    }

    package struct Node: Equatable {
        package var content: Content
        package var mode: UInt32
        package var uid: UInt32 = 0
        package var gid: UInt32 = 0

        package init(_ content: Content, mode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0) {
            self.content = content
            self.mode = mode
            self.uid = uid
            self.gid = gid
        }
    }

    /// A call that was made: the method's name and the path, or the program's words.
    package struct Call: Equatable, CustomStringConvertible {
        package var name: String
        package var object: String
        package var isWrite: Bool
        package var description: String { "\(name) \(object)" }
    }

    /// What a program is answered with, and what it does to the machine.
    package typealias Program = (ProgramCall, FakeMachine) -> ProgramResult

    /// By absolute path without links.
    package private(set) var nodes: [String: Node] = ["/": Node(.directory, mode: 0o755)]
    package private(set) var calls: [Call] = []
    /// By the program's path; one that is not here does not exist.
    package var programs: [String: Program] = [:]
    /// Whether a call that writes is an error of the test; see ``forbiddenWrites``.
    package var isReadOnly = false
    /// The writes tried while that was forbidden.
    package private(set) var forbiddenWrites: [Call] = []
    /// Answers a write to a file of /proc or /sys: an error number, or 0 to take the value.
    package var onKernelWrite: (_ path: String, _ text: String) -> Int32 = { _, _ in 0 }
    /// When files were last written, where a test cares: those written by a call, at ``now``.
    package var modified: [String: Int64] = [:]
    package static let now: Int64 = 1_000
    /// The chronyd that answers on loopback; nil for none.
    package var chrony: FakeChrony?
    /// The number of the call, from 1, that fails, and its error number.
    package var failure: (call: Int, code: Int32)?
    /// Whether every call after that one fails too, as those on a dead disk do.
    package var failureLasts = false

    package init() { put("/dev/null", .other(.characterDevice), mode: 0o666) }

    // MARK: Making it

    /// Puts something at a path, with the directories above it; no call is recorded.
    package func put(
        _ path: String, _ content: Content, mode: UInt32? = nil, uid: UInt32 = 0, gid: UInt32 = 0
    ) {
        let path = settled(path)
        var parent = PathName.parent(of: path)
        while nodes[parent] == nil {
            nodes[parent] = Node(.directory, mode: 0o755)
            parent = PathName.parent(of: parent)
        }
        nodes[path] = Node(
            content, mode: mode ?? FakeMachine.usualMode(content), uid: uid, gid: gid)
    }

    /// Puts a file of that text at a path.
    package func put(_ path: String, text: String, mode: UInt32 = 0o644) {
        put(path, .file(Array(text.utf8)), mode: mode)
    }

    /// Takes away a path and what is below it; no call is recorded.
    package func take(_ path: String) {
        let path = settled(path)
        nodes = nodes.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
    }

    /// The text of a file, nil where there is none; no call is recorded.
    package func text(_ path: String) -> String? {
        guard case .file(let bytes)? = node(path)?.content else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What is at a path, with links in the directories above followed; no call is recorded.
    package func node(_ path: String) -> Node? { nodes[settled(path)] }

    /// Forgets the calls made.
    package func forgetCalls() {
        calls = []
        forbiddenWrites = []
    }

    private func settled(_ path: String) -> String {
        (try? resolve(path, "stat", followLast: false)) ?? path
    }

    private static func usualMode(_ content: Content) -> UInt32 {
        switch content {
        case .directory: 0o755
        case .link: 0o777
        default: 0o644
        }
    }

    // MARK: Machine

    package func status(_ path: String, followLinks: Bool) throws(SystemError) -> FileStatus {
        try record("status", path)
        let real = try resolve(path, "stat", followLast: followLinks)
        let node = try node(real, "stat", path)
        let isKernels = isKernels(real)
        switch node.content {
        case .file(let bytes):
            return FileStatus(
                type: .file, mode: node.mode, uid: node.uid, gid: node.gid,
                size: isKernels ? 0 : Int64(bytes.count), device: 1,
                modifiedNanoseconds: modified[real] ?? 0, changedNanoseconds: modified[real] ?? 0)
        case .directory:
            return FileStatus(
                type: .directory, mode: node.mode, uid: node.uid, gid: node.gid, size: 4096,
                device: 1)
        case .link(let target):
            return FileStatus(
                type: .symlink, mode: node.mode, uid: node.uid, gid: node.gid,
                size: Int64(target.utf8.count), device: 1)
        case .other(let type):
            return FileStatus(type: type, mode: node.mode, uid: node.uid, gid: node.gid, device: 1)
        }
    }

    package func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try record("read", path)
        let bytes = try content(path)
        if bytes.count > limit { throw SystemError(call: "read", object: path, code: EFBIG) }
        return bytes
    }

    package func read(_ path: String, inPieces body: ([UInt8]) -> Void) throws(SystemError) {
        try record("read", path)
        let bytes = try content(path)
        for start in stride(from: 0, to: bytes.count, by: 1000) {
            body(Array(bytes[start..<min(start + 1000, bytes.count)]))
        }
    }

    package func read(
        _ path: String, from offset: Int, count: Int
    ) throws(SystemError) -> [UInt8] {
        try record("read", path)
        return Array(try content(path).dropFirst(offset).prefix(count))
    }

    package func linkTarget(_ path: String) throws(SystemError) -> String {
        try record("linkTarget", path)
        let real = try resolve(path, "readlink", followLast: false)
        guard case .link(let target) = try node(real, "readlink", path).content else {
            throw SystemError(call: "readlink", object: path, code: EINVAL)
        }
        return target
    }

    package func list(_ path: String) throws(SystemError) -> [String] {
        try record("list", path)
        let real = try resolve(path, "opendir", followLast: true)
        guard try node(real, "opendir", path).content == .directory else {
            throw SystemError(call: "opendir", object: path, code: ENOTDIR)
        }
        return names(in: real)
    }

    package func run(_ call: ProgramCall) throws(SystemError) -> ProgramResult {
        try record("run", ([call.path] + call.arguments).joined(separator: " "))
        guard let program = programs[call.path] else {
            throw SystemError(call: "execve", object: call.path, code: ENOENT)
        }
        return program(call, self)
    }

    package func replaceFile(
        _ path: String, content: [UInt8], mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        try record("replaceFile", path, isWrite: true)
        let real = try place(for: path, "open")
        if nodes[real]?.content == .directory {
            throw SystemError(call: "rename", object: path, code: EISDIR)
        }
        nodes[real] = Node(.file(content), mode: mode, uid: uid, gid: gid)
        modified[real] = FakeMachine.now
    }

    package func replaceFile(
        _ path: String, copyOf source: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        let content = try read(source, limit: .max)
        try replaceFile(path, content: content, mode: mode, uid: uid, gid: gid)
    }

    package func writeInPlace(_ path: String, _ content: [UInt8]) throws(SystemError) {
        try record("writeInPlace", path, isWrite: true)
        let real = try resolve(path, "open", followLast: true)
        var node = try node(real, "open", path)
        guard case .file = node.content else {
            throw SystemError(call: "open", object: path, code: EISDIR)
        }
        node.content = .file(content)
        if isKernels(real) {
            let text = String(decoding: content, as: UTF8.self)
            let code = onKernelWrite(path, text)
            if code != 0 { throw SystemError(call: "write", object: path, code: code) }
            if content.last != 10 { node.content = .file(content + [10]) }
            if case .file(let old)? = nodes[real]?.content,
                let chosen = FakeMachine.choice(text, among: String(decoding: old, as: UTF8.self))
            {
                node.content = .file(Array(chosen.utf8))
            }
        }
        nodes[real] = node
    }

    /// What answers for network interfaces.
    package var drivers: [String: FakeDriver] = [:]

    package func askChrony(_ message: [UInt8]) throws(SystemError) -> [UInt8] {
        try record("askChrony", "127.0.0.1:323")
        guard let chrony else {
            throw SystemError(call: "read", object: "127.0.0.1:323", code: ECONNREFUSED)
        }
        return try chrony.answer(message)
    }

    package func askLink(
        _ interface: String, _ request: LinkRequest, _ message: [UInt8]
    ) throws(SystemError) -> [UInt8] {
        let isWrite = FakeDriver.isWrite(request, message)
        try record(isWrite ? "setLink" : "askLink", interface, isWrite: isWrite)
        guard let driver = drivers[interface] else {
            throw SystemError(call: "ioctl", object: interface, code: ENODEV)
        }
        return try driver.answer(interface, request, message)
    }

    /// Shows in /proc/PID/status, as the kernel has it.
    package func setAffinity(of pid: Int, _ mask: [UInt8]) throws(SystemError) {
        let path = "/proc/\(pid)/status"
        try record("setAffinity", path, isWrite: true)
        guard let text = text(path) else {
            throw SystemError(call: "sched_setaffinity", object: path, code: ESRCH)
        }
        let cpus = (0..<mask.count * 8).filter { mask[$0 / 8] & (1 << UInt8($0 % 8)) != 0 }
        var ranges: [String] = []
        var index = 0
        while index < cpus.count {
            var last = index
            while last + 1 < cpus.count, cpus[last + 1] == cpus[last] + 1 { last += 1 }
            ranges.append(index == last ? "\(cpus[index])" : "\(cpus[index])-\(cpus[last])")
            index = last + 1
        }
        let lines = text.split(separator: "\n").map {
            $0.hasPrefix("Cpus_allowed_list:")
                ? "Cpus_allowed_list:\t\(ranges.joined(separator: ","))" : String($0)
        }
        put(path, text: lines.joined(separator: "\n") + "\n")
    }

    /// A file of several words has the one in use in brackets: writing a word moves them.
    private static func choice(_ text: String, among old: String) -> String? {
        guard old.contains("["), old.contains("]") else { return nil }
        let word = text.filter { $0 != "\n" }
        let words = old.split { $0 == " " || $0 == "\n" }.map { $0.filter { !"[]".contains($0) } }
        guard words.contains(word) else { return nil }
        return words.map { $0 == word ? "[\($0)]" : $0 }.joined(separator: " ") + "\n"
    }

    package func makeDirectory(
        _ path: String, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        try record("makeDirectory", path, isWrite: true)
        let real = try place(for: path, "mkdir")
        if nodes[real] != nil { throw SystemError(call: "mkdir", object: path, code: EEXIST) }
        nodes[real] = Node(.directory, mode: mode, uid: uid, gid: gid)
    }

    package func replaceLink(_ path: String, target: String) throws(SystemError) {
        try record("replaceLink", path, isWrite: true)
        let real = try place(for: path, "symlink")
        if nodes[real]?.content == .directory {
            throw SystemError(call: "rename", object: path, code: EISDIR)
        }
        nodes[real] = Node(.link(target), mode: 0o777)
    }

    package func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        try record("setMode", path, isWrite: true)
        let real = try resolve(path, "chmod", followLast: false)
        if case .link = try node(real, "chmod", path).content {
            throw SystemError(call: "chmod", object: path, code: ELOOP)
        }
        nodes[real]?.mode = mode
    }

    package func setOwner(_ path: String, uid: UInt32, gid: UInt32) throws(SystemError) {
        try record("setOwner", path, isWrite: true)
        let real = try resolve(path, "chown", followLast: false)
        let node = try node(real, "chown", path)
        nodes[real]?.uid = uid
        nodes[real]?.gid = gid
        // As the kernel does for a regular file.
        if case .file = node.content { nodes[real]?.mode = node.mode & ~0o6000 }
    }

    package func rename(_ from: String, to: String) throws(SystemError) {
        try record("rename", "\(from) \(to)", isWrite: true)
        let source = try resolve(from, "rename", followLast: false)
        let target = try place(for: to, "rename")
        let node = try node(source, "rename", from)
        if let code = renameObstacle(node, over: target) {
            throw SystemError(call: "rename", object: to, code: code)
        }
        let below = nodes.filter { $0.key.hasPrefix(source + "/") }
        take(target)
        take(source)
        nodes[target] = node
        for (path, node) in below { nodes[target + path.dropFirst(source.count)] = node }
    }

    package func remove(_ path: String) throws(SystemError) {
        try record("remove", path, isWrite: true)
        let real = try resolve(path, "remove", followLast: false)
        if try node(real, "remove", path).content == .directory && !names(in: real).isEmpty {
            throw SystemError(call: "remove", object: path, code: ENOTEMPTY)
        }
        nodes[real] = nil
    }

    // MARK: Inside

    private func record(
        _ name: String, _ object: String, isWrite: Bool = false
    ) throws(SystemError) {
        let call = Call(name: name, object: object, isWrite: isWrite)
        calls.append(call)
        if isWrite && isReadOnly {
            forbiddenWrites.append(call)
            throw SystemError(call: name, object: object, code: EROFS)
        }
        if let failure, calls.count == failure.call || failureLasts && calls.count > failure.call {
            throw SystemError(call: name, object: object, code: failure.code)
        }
    }

    /// The error number of renaming over what is at a path; nil where nothing is in the way.
    private func renameObstacle(_ node: Node, over target: String) -> Int32? {
        guard let there = nodes[target]?.content else { return nil }
        switch (node.content == .directory, there == .directory) {
        case (false, true): return EISDIR
        case (true, false): return ENOTDIR
        case (true, true): return names(in: target).isEmpty ? nil : ENOTEMPTY
        case (false, false): return nil
        }
    }

    private func isKernels(_ path: String) -> Bool {
        path.hasPrefix("/proc/") || path.hasPrefix("/sys/")
    }

    private func names(in directory: String) -> [String] {
        let prefix = directory == "/" ? "/" : directory + "/"
        return nodes.keys.filter { path in
            path != "/" && path.hasPrefix(prefix) && !path.dropFirst(prefix.count).contains("/")
        }
        .map { String($0.dropFirst(prefix.count)) }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private func node(_ real: String, _ call: String, _ path: String) throws(SystemError) -> Node {
        guard let node = nodes[real] else {
            throw SystemError(call: call, object: path, code: ENOENT)
        }
        return node
    }

    private func content(_ path: String) throws(SystemError) -> [UInt8] {
        let real = try resolve(path, "open", followLast: true)
        switch try node(real, "open", path).content {
        case .file(let bytes): return bytes
        case .directory: throw SystemError(call: "read", object: path, code: EISDIR)
        case .link, .other: return []
        }
    }

    /// Where something new would lie; its directory must be there.
    private func place(for path: String, _ call: String) throws(SystemError) -> String {
        let parent = try resolve(PathName.parent(of: path), call, followLast: true)
        guard try node(parent, call, path).content == .directory else {
            throw SystemError(call: call, object: path, code: ENOTDIR)
        }
        return PathName.join(parent, PathName.last(of: path))
    }

    private func resolve(
        _ path: String, _ call: String, followLast: Bool
    ) throws(SystemError) -> String {
        var left = path.split(separator: "/").map(String.init)
        var done = "/"
        var hops = 0
        while !left.isEmpty {
            let part = left.removeFirst()
            if part == "." { continue }
            if part == ".." {
                done = PathName.parent(of: done)
                continue
            }
            let next = PathName.join(done, part)
            switch nodes[next]?.content {
            case .link(let target) where !left.isEmpty || followLast:
                hops += 1
                if hops > 40 { throw SystemError(call: call, object: path, code: ELOOP) }
                if target.hasPrefix("/") { done = "/" }
                left = target.split(separator: "/").map(String.init) + left
            case .file, .other:
                if !left.isEmpty { throw SystemError(call: call, object: path, code: ENOTDIR) }
                done = next
            default: done = next
            }
        }
        return done
    }
}
