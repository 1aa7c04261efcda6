import Dispatch
import Glibc
import HTTPServer

/// A TCP client that sends bytes exactly as told. Its blocking calls run on a queue of its own, never on the
/// cooperative pool, and give up after `patience`.
final class RawClient: Sendable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    struct Answer: Sendable {
        var status: Int
        var head: String
        /// Names in lower case.
        var headers: [(name: String, value: String)]
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
        subscript(name: String) -> String? { headers.first { $0.name == name }?.value }
    }

    private let descriptor: Int32
    // Two, so that sending goes on while a read waits.
    private let sending = DispatchQueue(label: "raw-client.sending")
    private let receiving = DispatchQueue(label: "raw-client.receiving")

    /// - Parameters:
    ///   - patience: milliseconds after which a call gives up.
    ///   - receiveBuffer: bytes; small for a client that reads slowly.
    init(patience: Int = 60_000, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "socket: errno \(errno)") }
        var limit = timeval(tv_sec: patience / 1000, tv_usec: patience % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    convenience init(_ address: SocketAddress, patience: Int = 60_000, receiveBuffer: Int32? = nil) async throws {
        try self.init(patience: patience, receiveBuffer: receiveBuffer)
        try await connect(to: address)
    }

    func connect(to address: SocketAddress) async throws {
        try await blocking(sending) { [descriptor] in
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = UInt16(address.port).bigEndian
            inet_pton(AF_INET, address.host, &target.sin_addr)
            let result = withUnsafePointer(to: &target) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard result == 0 else { throw Failure(description: "connect: errno \(errno)") }
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await blocking(sending) { [descriptor] in
            var offset = 0
            while offset < bytes.count {
                let count = bytes[offset...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw Failure(description: "send: errno \(errno) after \(offset) bytes") }
                offset += count
            }
        }
    }

    /// Tells the server that nothing more will come.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Breaks the connection with a reset instead of an orderly end.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        // Connecting to nowhere dissolves the association, which sends the reset and keeps the number ours until deinit.
        var nowhere = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        Glibc.connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// Up to `limit` bytes as they come; empty at the end of the stream. A reset by the server throws.
    func read(_ limit: Int = 65536) async throws -> [UInt8] {
        try await blocking(receiving) { [descriptor] in
            var buffer = [UInt8](repeating: 0, count: limit)
            var count = recv(descriptor, &buffer, limit, 0)
            while count < 0 && errno == EINTR { count = recv(descriptor, &buffer, limit, 0) }
            guard count >= 0 else { throw Failure(description: "recv: errno \(errno)") }
            return Array(buffer[..<count])
        }
    }

    func readToEnd() async throws -> String {
        var bytes = await pending.take([])
        while case let more = try await read(), !more.isEmpty { bytes += more }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads until `text` has come; returns everything read with it.
    func read(until text: String) async throws -> String {
        var bytes = await pending.take([])
        while !String(decoding: bytes, as: UTF8.self).contains(text) {
            let more = try await read()
            guard !more.isEmpty else { throw Failure(description: "ended before \(text): \(String(decoding: bytes, as: UTF8.self))") }
            bytes += more
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads one answer, and no further than its end.
    func answer(toHead: Bool = false) async throws -> Answer {
        var bytes = await pending.take([])
        while Self.headEnd(bytes) == nil {
            let more = try await read()
            guard !more.isEmpty else { throw Failure(description: "ended in the head: \(String(decoding: bytes, as: UTF8.self))") }
            bytes += more
        }
        let end = Self.headEnd(bytes) ?? 0
        let head = String(decoding: bytes[..<end], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        var answer = Answer(
            status: lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0, head: head,
            headers: lines.dropFirst().map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
            }, body: [])
        var rest = Array(bytes[end...])
        func fill() async throws -> Bool {
            let more = try await read()
            rest += more
            return !more.isEmpty
        }
        if toHead || answer.status == 204 || answer.status == 304 || answer.status < 200 {
        } else if let length = answer["content-length"].flatMap({ Int($0) }) {
            while rest.count < length {
                guard try await fill() else { throw Failure(description: "ended after \(rest.count) of \(length) bytes") }
            }
            answer.body = Array(rest[..<length])
            rest = Array(rest[length...])
        } else if answer["transfer-encoding"] == "chunked" {
            while true {
                while !rest.contains(0x0A) {
                    guard try await fill() else { throw Failure(description: "ended in a chunk size") }
                }
                let line = rest.firstIndex(of: 0x0A) ?? 0
                guard let size = Int(String(decoding: rest[..<(line - 1)], as: UTF8.self), radix: 16) else {
                    throw Failure(description: "bad chunk size")
                }
                while rest.count < line + 1 + size + 2 {
                    guard try await fill() else { throw Failure(description: "ended in a chunk") }
                }
                answer.body += rest[(line + 1)..<(line + 1 + size)]
                rest = Array(rest[(line + 3 + size)...])
                if size == 0 { break }
            }
        } else {
            while try await fill() {}
            answer.body = rest
            rest = []
        }
        await pending.put(rest)
        return answer
    }

    func exchange(_ text: String, toHead: Bool = false) async throws -> Answer {
        try await send(text)
        return try await answer(toHead: toHead)
    }

    /// Bytes read beyond the last answer.
    private actor Pending {
        var bytes: [UInt8] = []
        func take(_ none: [UInt8]) -> [UInt8] {
            defer { bytes = none }
            return bytes
        }
        func put(_ rest: [UInt8]) { bytes = rest }
    }
    private let pending = Pending()

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (0...(bytes.count - 4)).first { bytes[$0..<($0 + 4)].elementsEqual("\r\n\r\n".utf8) }.map { $0 + 4 }
    }

    private func blocking<T: Sendable>(
        _ queue: DispatchQueue, _ work: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }
}
