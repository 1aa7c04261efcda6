import Glibc

/// A listening socket whose queue is full: the kernel drops further connection requests.
final class FullBacklog {
    let port: Int
    private var descriptors: [Int32] = []

    init() throws {
        let (listener, port) = try RawServer.listen(backlog: 0)
        self.port = port
        descriptors.append(listener)
        // The first connections fill the queue; one that stays under way shows that it is full.
        for _ in 0..<16 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
            descriptors.append(descriptor)
            var address = RawServer.loopback(port: port)
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            _ = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
            }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if poll(&waiting, 1, 100) == 0 { return }
        }
        throw SocketFailure(call: "fill the queue")
    }

    func close() {
        for descriptor in descriptors { Glibc.close(descriptor) }
    }
}
