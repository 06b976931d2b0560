/// Interprets what the system's ssh prints when it fails.
enum OpenSSHError {
    /// The kind of a failure before the session was established.
    static func kind(
        status: Int32, text: String, target: SSHTarget, user: String
    ) -> TransportError.Kind {
        let lines = text.split { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }.map(String.init)
        func line(_ part: String) -> String? { lines.first { $0.contains(part) } }
        func after(_ part: String, in line: String) -> String {
            guard let range = line.rangeOf(part) else { return "" }
            return String(line[range.upperBound...])
        }
        if line("REMOTE HOST IDENTIFICATION HAS CHANGED") != nil { return changed(lines) }
        if let found = line("host key is known for") {
            let type = found.split(separator: " ").dropFirst().first.map(String.init) ?? ""
            return .hostKeyUnknown(.init(type: type, fingerprint: ""), otherTypesKnown: [])
        }
        if line("revoked host key") ?? line("REVOKED") ?? line("marked as revoked") != nil {
            return .hostKeyRevoked(.init(type: "", fingerprint: ""), place: "known_hosts")
        }
        if line("Host key verification failed") != nil {
            return .hostKeyUnverifiable(reason: lines.joined(separator: "; "))
        }
        if let found = line("Permission denied (") {
            let methods = after("Permission denied (", in: found).prefix { $0 != ")" }
            return .authenticationFailed(
                user: user, tried: target.identityFiles.map { "\($0): refused" },
                accepted: methods.split(separator: ",").map(String.init))
        }
        if line("Too many authentication failures") != nil {
            return .authenticationFailed(
                user: user, tried: ["more keys than the server allows"], accepted: [])
        }
        if let found = line("no matching") {
            let offer = after("Their offer: ", in: found).split(separator: ",").map(String.init)
            let kind =
                TransportError.AlgorithmKind.allCases.first {
                    found.contains("no matching \($0.rawValue)")
                } ?? .keyExchange
            return .noCommonAlgorithm(kind, offered: offer, ours: ["none of these in ssh"])
        }
        if let found = line("Could not resolve hostname") {
            return .unresolvable(
                reason: found.split(separator: ":").last.map { String($0.drop { $0 == " " }) } ?? ""
            )
        }
        if line("Connection refused") != nil { return .refused }
        if line("timed out") != nil || line("Timeout") != nil {
            return .timedOut(
                line("banner exchange") != nil ? .banner : .connect,
                seconds: target.connectTimeoutSeconds)
        }
        if let found = line("No route to host") ?? line("Network is unreachable") {
            return .unreachable(
                reason: found.split(separator: ":").last.map { String($0.drop { $0 == " " }) } ?? ""
            )
        }
        if line("kex_exchange_identification") != nil || line("Exceeded MaxStartups") != nil {
            return .bannerRefused(text: lines.last ?? "")
        }
        if line("Bad configuration option") ?? line("bad configuration option") != nil {
            return .badConfiguration("ssh refuses its configuration: \(lines.first ?? "")")
        }
        return .openssh(status: status, text: lines.suffix(4).joined(separator: "; "))
    }

    /// Whether a started command ended because the connection was lost: ssh reports this by status
    /// 255 and a line of text.
    static func lostConnection(status: Int32, text: String) -> String? {
        guard status == 255 else { return nil }
        let signs = [
            "client_loop: ", "Connection to ", "Connection reset by", "closed by remote host",
            "not responding", "Broken pipe", "Connection closed",
        ]
        let lines = text.split { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
        return lines.last { line in signs.contains { line.rangeOf($0) != nil } }.map(String.init)
    }

    private static func changed(_ lines: [String]) -> TransportError.Kind {
        let new = lines.first { $0.hasPrefix("SHA256:") } ?? ""
        let fingerprint = String(new.prefix { $0 != " " }.filter { $0 != "." || false })
        var type = ""
        if let line = lines.first(where: { $0.contains("key sent by the remote host") }) {
            let words = line.split(separator: " ")
            if let index = words.firstIndex(of: "key"), index > 0 {
                type = String(words[index - 1])
            }
        }
        var place = "known_hosts"
        if let line = lines.first(where: { $0.hasPrefix("Offending ") }),
            let range = line.rangeOf(" in ")
        {
            place = String(line[range.upperBound...])
        }
        return .hostKeyChanged(
            old: .init(type: type, fingerprint: "the key there"),
            new: .init(type: type, fingerprint: fingerprint), place: place)
    }
}

extension StringProtocol {
    /// The range of the first occurrence of a text.
    fileprivate func rangeOf(_ text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }

    fileprivate func contains(_ text: String) -> Bool { rangeOf(text) != nil }
}
