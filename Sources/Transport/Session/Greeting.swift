/// What a server sends before keys are exchanged: its identification line and its KEXINIT (RFC
/// 4253, 4.2 and 7.1), read from the passing bytes.
///
/// libssh2 reports only "unable to exchange keys"; with the lists, the message can name what is
/// missing.
struct Greeting: Sendable {
    /// Lines before the identification: a refusal, or the output of a server that is not SSH.
    private(set) var preamble = ""
    /// `SSH-2.0-OpenSSH_9.2p1 Debian-2`; nil until it has arrived.
    private(set) var identification: String?
    /// The server's name-lists; nil until they have arrived.
    private(set) var algorithms: ServerAlgorithms?
    private(set) var isComplete = false
    private var bytes: [UInt8] = []

    /// Takes the next bytes.
    mutating func append(_ more: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: more)
        while identification == nil, let end = bytes.firstIndex(of: 10) {
            var line = bytes[..<end]
            if line.last == 13 { line.removeLast() }
            let text = String(decoding: line, as: UTF8.self)
            bytes.removeSubrange(...end)
            if text.hasPrefix("SSH-") { identification = text } else { note(text) }
        }
        if identification != nil { readKexInit() }
        if bytes.count > 65_536 { finish() }
    }

    /// What a server that never identified itself sent before the connection ended.
    var said: String {
        var all = preamble
        if identification == nil, !bytes.isEmpty {
            if !all.isEmpty { all += " " }
            all += String(decoding: bytes.prefix(200), as: UTF8.self)
        }
        return String(
            String.UnicodeScalarView(
                all.unicodeScalars.map { $0.value < 32 ? " " : $0 }.prefix(200)))
    }

    /// Frees what is no longer needed after a successful handshake.
    mutating func forget() {
        algorithms = nil
        finish()
    }

    private mutating func note(_ line: String) {
        guard preamble.utf8.count < 400, !line.isEmpty else { return }
        preamble += preamble.isEmpty ? line : " " + line
    }

    private mutating func finish() {
        isComplete = true
        bytes = []
    }

    private mutating func readKexInit() {
        guard bytes.count >= 6 else { return }
        let length = bytes[0..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length >= 2, length <= 35_000 else { return finish() }
        guard bytes.count >= 4 + length else { return }
        let payload = bytes[5..<(4 + length)]
        algorithms = payload.first == 20 ? ServerAlgorithms(payload.dropFirst(17)) : nil
        finish()
    }
}

/// The algorithms a server offers, per kind.
struct ServerAlgorithms: Sendable, Equatable {
    let keyExchange: [String]
    let hostKey: [String]
    let cipherToServer: [String]
    let cipherToClient: [String]
    let macToServer: [String]
    let macToClient: [String]

    /// Reads the name-lists that follow the cookie; nil if they are incomplete.
    init?(_ bytes: ArraySlice<UInt8>) {
        var reader = SSHReader(bytes)
        var lists: [[String]] = []
        for _ in 0..<6 {
            guard let text = reader.text() else { return nil }
            lists.append(text.split(separator: ",").map(String.init))
        }
        keyExchange = lists[0]
        hostKey = lists[1]
        cipherToServer = lists[2]
        cipherToClient = lists[3]
        macToServer = lists[4]
        macToClient = lists[5]
    }

    /// The first kind, in the order of the negotiation, without an algorithm that both sides
    /// support.
    @TransportLoop
    func missing(ours: OurAlgorithms) -> (TransportError.AlgorithmKind, [String], [String])? {
        let rows: [(TransportError.AlgorithmKind, [String], [String])] = [
            (.keyExchange, keyExchange, ours.keyExchange),
            (.hostKey, hostKey, ours.hostKey),
            (.cipher, cipherToServer, ours.cipher),
            (.cipher, cipherToClient, ours.cipher),
            (.mac, macToServer, ours.mac),
            (.mac, macToClient, ours.mac),
        ]
        return rows.first { row in !row.1.contains { row.2.contains($0) } }
    }
}
