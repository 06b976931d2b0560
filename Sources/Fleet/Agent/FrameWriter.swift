import Transport

/// Writes whole frames one after another, whichever task sends them.
actor FrameWriter {
    private let channel: any RemoteChannel
    private var last: Task<TransportError?, Never>?

    init(_ channel: any RemoteChannel) { self.channel = channel }

    func write(_ bytes: [UInt8]) async throws(TransportError) {
        let before = last
        let channel = self.channel
        let task = Task { () -> TransportError? in
            if let failure = await before?.value { return failure }
            do throws(TransportError) {
                try await channel.write(bytes)
                return nil
            } catch {
                return error
            }
        }
        last = task
        if let failure = await task.value { throw failure }
    }
}
