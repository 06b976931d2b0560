import Glibc
import Linux

/// A TCP server on 127.0.0.1 that does to each connection what a test wants, on a thread of its own.
package final class FakeServer: Sendable {
    package let port: Int
    private let listener: Listener

    /// `behaviour` owns the connection, which is closed when it returns.
    package init(_ behaviour: @escaping @Sendable (borrowing Descriptor) -> Void) throws {
        let listener = try Listener()
        self.listener = listener
        port = listener.port
        let body = Body {
            while let connection = try? listener.accept() { behaviour(connection) }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(body).toOpaque())
        pthread_detach(thread)
    }

    /// Ends the thread: accept(2) fails once the socket no longer listens.
    deinit { listener.stop() }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
