/// Why a host could not be reached or a connection broke: what was attempted, on which host, why it
/// failed, what to do.
package struct TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The steps of a connection, in order.
    package enum Phase: String, Sendable {
        case resolve, connect, banner, keyExchange, authentication, execute, run

        /// The phase in words, for `while …`.
        package var text: String {
            switch self {
            case .resolve: "looking up its name"
            case .connect: "connecting"
            case .banner: "waiting for the server's greeting"
            case .keyExchange: "exchanging keys"
            case .authentication: "authenticating"
            case .execute: "starting the command"
            case .run: "the command was running"
            }
        }
    }

    /// A host key in the form that a person compares.
    package struct KeyName: Sendable, Equatable, CustomStringConvertible {
        /// Such as `ssh-ed25519`.
        package let type: String
        /// Such as `SHA256:…`, as `ssh-keygen -l` prints it.
        package let fingerprint: String

        package init(type: String, fingerprint: String) {
            self.type = type
            self.fingerprint = fingerprint
        }

        package var description: String { "\(type) \(fingerprint)" }
    }

    /// The kinds of algorithms that both sides of a key exchange must share (RFC 4253, 7.1).
    package enum AlgorithmKind: String, Sendable, CaseIterable {
        case keyExchange = "key exchange"
        case hostKey = "host key"
        case cipher = "cipher"
        case mac = "MAC"
    }

    package enum Kind: Sendable, Equatable {
        case unresolvable(reason: String)
        case refused
        case unreachable(reason: String)
        case timedOut(Phase, seconds: Double)
        /// The server closed the connection before its greeting; `text` is what it sent instead.
        case bannerRefused(text: String)
        case notSSH(text: String)
        case noCommonAlgorithm(AlgorithmKind, offered: [String], ours: [String])
        case hostKeyUnknown(KeyName, otherTypesKnown: [String])
        case hostKeyChanged(old: KeyName, new: KeyName, place: String)
        case hostKeyRevoked(KeyName, place: String)
        case hostKeyUnverifiable(reason: String)
        /// `tried`: one line per key, with the answer; `accepted`: the server's methods.
        case authenticationFailed(user: String, tried: [String], accepted: [String])
        case encryptedKeyNoPassphrase(file: String)
        case unusableKey(file: String, reason: String)
        case connectionLost(Phase, reason: String)
        case executeRefused(command: String)
        case jumpRefused(destination: String, reason: String)
        /// A setting that the transport in use cannot honour.
        case unsupported(option: String)
        case badConfiguration(String)
        case fileDescriptors
        case system(String)
        case openssh(status: Int32, text: String)
        case cancelled
        case closed
    }

    package let kind: Kind
    /// The host's inventory name.
    package let host: String
    /// `address:port`; empty if no connection was attempted.
    package let endpoint: String

    package init(_ kind: Kind, host: String, endpoint: String = "") {
        self.kind = kind
        self.host = host
        self.endpoint = endpoint
    }

    package var description: String { hint.map { "\(message)\n  \($0)" } ?? message }

    /// Whether the host's state is unknown because it never answered or went silent; false if
    /// something on our side must be corrected first.
    package var isUnreachable: Bool {
        switch kind {
        case .fileDescriptors, .system, .badConfiguration, .cancelled, .closed, .unsupported: false
        default: true
        }
    }
}
