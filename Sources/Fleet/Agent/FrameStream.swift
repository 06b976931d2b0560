import Synchronization
import Transport
import Wire

/// The frames of a channel's output.
///
/// Only one task may read at a time.
final class FrameStream: Sendable {
    private let reader = Mutex(FrameReader(expectsPreamble: true))

    /// What arrived before the preamble, or instead of it.
    var noise: String {
        reader.withLock { String(decoding: $0.isInStep ? $0.noise : $0.pending, as: UTF8.self) }
    }

    /// The next frame; nil at the end of the output.
    func next(from channel: any RemoteChannel) async throws(AgentFailure) -> Frame? {
        while true {
            let parsed = reader.withLock {
                (reader: inout FrameReader) -> Result<Frame?, FrameError> in
                do throws(FrameError) {
                    return .success(try reader.next())
                } catch {
                    return .failure(error)
                }
            }
            switch parsed {
            case .failure(let error): throw .badFrame(error)
            case .success(let frame?): return frame
            case .success(nil): break
            }
            let piece: [UInt8]?
            do throws(TransportError) {
                piece = try await channel.read()
            } catch {
                throw .transport(error)
            }
            guard let piece else { return nil }
            reader.withLock { $0.append(piece) }
        }
    }
}
