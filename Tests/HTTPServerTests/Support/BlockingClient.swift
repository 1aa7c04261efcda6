import Foundation
import Glibc

@testable import HTTPServer

/// A TCP client for IPv4 and IPv6 whose calls block, for threads outside the pool of tasks. Each gives up after a minute.
struct BlockingClient: ~Copyable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    private let descriptor: Int32

    init(_ address: SocketAddress) throws {
        let connected = address.withSystemAddress { family, target, length -> Int32 in
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var limit = timeval(tv_sec: 60, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            guard connect(descriptor, target, length) == 0 else {
                close(descriptor)
                return -1
            }
            return descriptor
        }
        guard let connected, connected >= 0 else { throw Failure(description: "cannot connect to \(address): errno \(errno)") }
        descriptor = connected
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(description: "send: errno \(errno)")
        }
    }

    /// Reads until `text` has come, or to the end.
    func read(until text: String? = nil) throws -> String {
        var all = ""
        var buffer = [UInt8](repeating: 0, count: 65536)
        while text.map({ !all.contains($0) }) ?? true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Failure(description: "recv: errno \(errno) after \(all)") }
            if count == 0 { return all }
            all += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return all
    }

    /// Sends `text` again and again until the connection ends.
    func sendWithoutEnd(_ text: String) {
        let bytes = Array(text.utf8)
        while Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0 {}
    }

    /// Reads and forgets until the connection ends.
    func readWithoutEnd() {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while recv(descriptor, &buffer, buffer.count, 0) > 0 {}
    }

    /// Ends the connection for those who read or send on other threads.
    func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    func exchange(_ request: String, until text: String) throws -> String {
        try send(request)
        return try read(until: text)
    }

    static let hasIPv6: Bool = {
        let bound = SocketAddress(host: "::1", port: 0).withSystemAddress { family, address, length -> Bool in
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            defer { close(descriptor) }
            return descriptor >= 0 && bind(descriptor, address, length) == 0
        }
        return bound ?? false
    }()
}

/// Runs `work` on a thread of its own, so that it goes on when every thread of the pool is blocked.
func onOwnThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try work() }) }
        thread.start()
    }
}
