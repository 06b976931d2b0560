import Glibc
import Linux
import SSHConfig
import Wire

/// Asks for the passphrase of a key file.
///
/// `attempt` counts from 1. nil: no passphrase is available.
package typealias PassphraseProvider =
    @Sendable (_ file: String, _ attempt: Int) async -> String?

/// The key files of a run: each is read once and decrypted once, off the loop, no matter how many
/// hosts need it.
@TransportLoop
final class KeyRing {
    /// What was found at the path of a key file.
    enum Found: Sendable {
        case missing
        /// Only the public part: the agent may have the private part.
        case publicOnly([UInt8])
        case unreadable(String)
        /// `publicBlob`: nil if it is only known after decryption.
        case key(KeyFile, publicBlob: [UInt8]?)
    }

    enum Unlocked: Sendable {
        case key(PrivateKey)
        case noPassphrase
        case unusable(String)
    }

    private nonisolated static let attempts = 3

    private let passphrase: PassphraseProvider?
    private var found: [String: Task<Found, Never>] = [:]
    private var unlocked: [String: Task<Unlocked, Never>] = [:]
    /// Files that are being decrypted now, perhaps while a user types the passphrase.
    private(set) var unlocking: Set<String> = []

    nonisolated init(passphrase: PassphraseProvider?) { self.passphrase = passphrase }

    /// What is found at a path.
    func find(_ path: String) async -> Found {
        if let known = found[path] { return await known.value }
        let task = Task.detached { Self.read(path) }
        found[path] = task
        return await task.value
    }

    /// The private key of a file that was found.
    func unlock(_ path: String, _ file: KeyFile) async -> Unlocked {
        if let known = unlocked[path] { return await known.value }
        let passphrase = passphrase
        let task = Task.detached { await Self.unlock(path, file, passphrase) }
        unlocked[path] = task
        unlocking.insert(path)
        defer { unlocking.remove(path) }
        return await task.value
    }

    nonisolated private static func read(_ path: String) -> Found {
        let content: [UInt8]
        do {
            content = try LocalMachine().read(path, limit: 1 << 16)
        } catch {
            if let blob = publicPart(in: path + ".pub") { return .publicOnly(blob) }
            return error.isNotFound ? .missing : .unreadable(error.reason)
        }
        if let blob = publicPart(of: content) { return .publicOnly(blob) }
        do {
            let file = try KeyFile(content)
            if let blob = file.publicBlob { return .key(file, publicBlob: blob) }
            if !file.isEncrypted {
                return .key(file, publicBlob: try file.unlock(passphrase: nil).publicBlob)
            }
            // An encrypted PEM file does not contain its public part in clear; the file beside it
            // may.
            return .key(file, publicBlob: publicPart(in: path + ".pub"))
        } catch {
            switch error {
            case .unusable(let reason): return .unreadable(reason)
            case .wrongPassphrase: return .unreadable("it is encrypted")
            }
        }
    }

    nonisolated private static func publicPart(in path: String) -> [UInt8]? {
        (try? LocalMachine().read(path, limit: 1 << 16)).flatMap { publicPart(of: $0) }
    }

    /// The key of a public key file, `type base64 comment`; nil if the content has another form.
    nonisolated private static func publicPart(of content: [UInt8]) -> [UInt8]? {
        let fields = String(decoding: content, as: UTF8.self).split { $0 == " " || $0 == "\n" }
        guard fields.count > 1, let blob = Base64.decode(fields[1]),
            HostKey(blob: blob)?.type == String(fields[0])
        else { return nil }
        return blob
    }

    nonisolated private static func unlock(
        _ path: String, _ file: KeyFile, _ passphrase: PassphraseProvider?
    ) async -> Unlocked {
        guard file.isEncrypted else { return result(of: file, nil) ?? .noPassphrase }
        for attempt in 1...attempts {
            guard let text = await passphrase?(path, attempt) else { return .noPassphrase }
            if let result = result(of: file, text) { return result }
        }
        return .noPassphrase
    }

    /// Decrypts the key; nil: the passphrase is wrong.
    nonisolated private static func result(of file: KeyFile, _ passphrase: String?) -> Unlocked? {
        do {
            return .key(try file.unlock(passphrase: passphrase))
        } catch {
            switch error {
            case .wrongPassphrase: return nil
            case .unusable(let reason): return .unusable(reason)
            }
        }
    }
}
