import Foundation
import Glibc
import Synchronization
import Testing

struct SocketFailure: Error, CustomStringConvertible {
    var call: String
    var number = errno
    var description: String { "\(call): \(String(cString: strerror(number)))" }
}

/// accept4(2), which Swift does not import. Sockets are not for the programs that other tests start at the same
/// time: a child would hold a connection open that its test has closed.
private let acceptPrivately: @convention(c) (Int32, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int32) -> Int32 =
    unsafeBitCast(
        dlsym(nil, "accept4")!,
        to: (@convention(c) (Int32, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int32) -> Int32).self)

/// A server on 127.0.0.1 that does with each connection, on a thread of its own, exactly what its script says.
final class RawServer: Sendable {
    let port: Int
    private let listener: Int32
    private let accepted = Atomic<Int>(0)
    private let threadsDone = DispatchGroup()
    private let isStopping = Atomic<Bool>(false)

    /// What scripts threw.
    private let scriptFailures = Mutex<[any Error]>([])

    init(_ script: @escaping @Sendable (RawConnection) throws -> Void) throws {
        (listener, port) = try Self.listen(backlog: 128)
        let thread = Thread { [self] in acceptAll(script) }
        threadsDone.enter()
        thread.start()
    }

    var connectionCount: Int { accepted.load(ordering: .acquiring) }
    private var failures: [any Error] { scriptFailures.withLock { $0 } }

    func url(_ path: String = "/", host: String = "127.0.0.1") -> String { "http://\(host):\(port)\(path)" }

    /// Ends when every script has.
    func stop() async {
        isStopping.store(true, ordering: .releasing)
        shutdown(listener, Int32(SHUT_RDWR))
        await withCheckedContinuation { continuation in
            threadsDone.notify(queue: .global()) { continuation.resume() }
        }
        close(listener)
    }

    /// Runs `body` with a server, stops it, and reports what the script threw.
    static func with<Result>(
        _ script: @escaping @Sendable (RawConnection) throws -> Void, _ body: (RawServer) async throws -> Result
    ) async throws -> Result {
        let server = try RawServer(script)
        let result: Result
        do {
            result = try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        for failure in server.failures { Issue.record(failure, "the server's script failed") }
        return result
    }

    private func acceptAll(_ script: @escaping @Sendable (RawConnection) throws -> Void) {
        defer { threadsDone.leave() }
        while true {
            let descriptor = acceptPrivately(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
            guard descriptor >= 0, !isStopping.load(ordering: .acquiring) else { return }
            let number = accepted.add(1, ordering: .acquiringAndReleasing).newValue
            threadsDone.enter()
            Thread { [self] in
                defer { threadsDone.leave() }
                let connection = RawConnection(descriptor: descriptor, number: number)
                do {
                    try script(connection)
                } catch {
                    scriptFailures.withLock { $0.append(error) }
                }
                connection.close()
            }.start()
        }
    }

    static func listen(backlog: Int32) throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketFailure(call: "socket") }
        let port = try bindToLoopback(descriptor)
        guard Glibc.listen(descriptor, backlog) == 0 else { throw SocketFailure(call: "listen") }
        return (descriptor, port)
    }

    /// To a port that the system picks.
    static func bindToLoopback(_ descriptor: Int32) throws -> Int {
        var address = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 ? getsockname(descriptor, pointer, &size) : -1
            }
        }
        guard result == 0 else { throw SocketFailure(call: "bind") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

/// A request as it stood on the wire.
struct RawRequest: Sendable {
    var head: String
    var body: [UInt8]

    var line: String { lines.first ?? "" }
    var path: String { line.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
    private var lines: [String] { head.components(separatedBy: "\r\n") }

    /// Every line of that field, in order.
    func values(_ name: String) -> [String] {
        lines.dropFirst().filter { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }
}

/// One accepted connection. Used by the thread of its script alone.
final class RawConnection {
    /// 1 for the first connection of the server.
    let number: Int
    private let descriptor: Int32
    private var isOpen = true
    private var unread: [UInt8] = []

    fileprivate init(descriptor: Int32, number: Int) {
        self.descriptor = descriptor
        self.number = number
        // Far beyond what any test waits: only a broken one meets it.
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The next request, `nil` when the client closed instead.
    func readRequest() throws -> RawRequest? {
        let blankLine = Array("\r\n\r\n".utf8)
        while true {
            if let end = unread.firstRange(of: blankLine) {
                let head = String(decoding: unread[..<end.lowerBound], as: UTF8.self)
                unread.removeSubrange(..<end.upperBound)
                var request = RawRequest(head: head, body: [])
                let length = request.values("Content-Length").first.flatMap { Int($0) } ?? 0
                while unread.count < length { guard try receive() else { return nil } }
                request.body = Array(unread.prefix(length))
                unread.removeFirst(length)
                return request
            }
            guard try receive() else { return nil }
        }
    }

    /// `false` at the end of the stream.
    private func receive() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 && errno == EINTR { return try receive() }
        if count < 0 && errno == ECONNRESET { return false }
        guard count >= 0 else { throw SocketFailure(call: "recv") }
        unread += buffer.prefix(count)
        return count > 0
    }

    /// The beginning of a request, however little has come.
    func readSome() throws {
        _ = try receive()
    }

    /// Waits for the client to say something or to hang up, but not longer than this.
    func pause(milliseconds: Int32) throws {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, milliseconds) >= 0 || errno == EINTR else { throw SocketFailure(call: "poll") }
    }

    /// Returns once the client has closed.
    func waitForClose() throws {
        while try receive() {}
    }

    /// Ignores that the client is gone: many a script writes on until it notices.
    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// A whole answer with its length.
    @discardableResult
    func answer(_ status: String = "200 OK", _ fields: [String] = [], body: String = "") -> Bool {
        let head = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + fields
        return write(head.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    /// Closes with RST instead of FIN.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }
}
