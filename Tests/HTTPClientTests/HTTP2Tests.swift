import HTTPClient
import HTTPTypes
import Testing

/// HTTP/2 spoken by hand (RFC 9113) over the one connection that `openssl s_server` serves at a time.
private struct HTTP2Peer {
    struct Frame {
        var type: UInt8
        var flags: UInt8
        var stream: Int
        var payload: [UInt8]
    }

    enum FrameType {
        static let data: UInt8 = 0, headers: UInt8 = 1, reset: UInt8 = 3, settings: UInt8 = 4, ping: UInt8 = 6
    }

    static let endStream: UInt8 = 1
    static let endHeaders: UInt8 = 4

    let server: OpenSSLServer

    /// Takes the client's greeting and greets back.
    func begin() async throws {
        try await server.skip(past: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        try send(FrameType.settings, stream: 0)
    }

    /// The stream of the next request, once its end has come.
    func nextRequest() async throws -> Int {
        while true {
            let frame = try await read()
            switch frame.type {
            case FrameType.settings where frame.flags == 0:
                try send(FrameType.settings, flags: 1, stream: 0)
            case FrameType.headers, FrameType.data:
                if frame.flags & Self.endStream != 0 { return frame.stream }
            default:
                break
            }
        }
    }

    /// The next frame of `type`, passing over others.
    func next(_ type: UInt8) async throws -> Frame {
        while true {
            let frame = try await read()
            if frame.type == type { return frame }
        }
    }

    private func read() async throws -> Frame {
        let head = try await server.read(9)
        let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
        let stream = head[5...8].reduce(0) { $0 << 8 | Int($1) } & 0x7FFF_FFFF
        return Frame(type: head[3], flags: head[4], stream: stream, payload: try await server.read(length))
    }

    func send(_ type: UInt8, flags: UInt8 = 0, stream: Int, _ payload: [UInt8] = []) throws {
        try server.write(bytes(type, flags: flags, stream: stream, payload))
    }

    private func bytes(_ type: UInt8, flags: UInt8, stream: Int, _ payload: [UInt8]) -> [UInt8] {
        let length = payload.count
        let head: [UInt8] = [
            UInt8(length >> 16), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, flags,
            0, 0, UInt8(stream >> 8), UInt8(stream & 0xFF),
        ]
        return head + payload
    }

    /// `:status: 200` is entry 8 of the static table (RFC 7541 appendix A); a literal begins with the name's entry.
    static let status200: [UInt8] = [0x88]
    static let status103: [UInt8] = [0x08, 3] + Array("103".utf8)

    func answer(_ stream: Int, body: String) throws {
        try server.write(
            bytes(FrameType.headers, flags: Self.endHeaders, stream: stream, Self.status200)
                + bytes(FrameType.data, flags: Self.endStream, stream: stream, Array(body.utf8)))
    }
}

@Suite("HTTP/2", .timeLimit(.minutes(3)))
struct HTTP2Tests {
    private func withPeer(_ body: @escaping (HTTP2Peer, CurlHTTPClient, String) async throws -> Void) async throws {
        try await TestCertificate.with { certificate in
            try await OpenSSLServer.with(certificate, ["-alpn", "h2"]) { server in
                try await withClient(HTTPClientConfiguration(caFile: certificate.certificate)) { client in
                    try await body(HTTP2Peer(server: server), client, "https://localhost:\(server.port)/")
                }
            }
        }
    }

    @Test("Requests share one connection and may be answered in any order")
    func multiplexing() async throws {
        try await withPeer { peer, client, url in
            let tasks = (0..<5).map { _ in
                Task {
                    try await client.send(
                        OutgoingRequest(
                            method: .post, url: url, headerFields: [.gradientToken: "t"], body: Array("{}".utf8)))
                }
            }
            try await peer.begin()
            // The server has but one connection, and answers none of them before it has them all.
            var streams: [Int] = []
            while streams.count < tasks.count { streams.append(try await peer.nextRequest()) }
            for stream in streams.reversed() { try peer.answer(stream, body: "\(stream)") }
            var answers: [String] = []
            for task in tasks {
                let response = try await task.value
                #expect(response.status == .ok)
                #expect(response.httpVersion == "HTTP/2")
                answers.append(response.text)
            }
            #expect(answers.sorted() == streams.map(String.init).sorted())
        }
    }

    @Test("Interim answers and trailers are left out")
    func interimAndTrailers() async throws {
        try await withPeer { peer, client, url in
            let task = Task { try await client.get(url) }
            try await peer.begin()
            let stream = try await peer.nextRequest()
            try peer.send(HTTP2Peer.FrameType.headers, flags: HTTP2Peer.endHeaders, stream: stream, HTTP2Peer.status103)
            try peer.send(HTTP2Peer.FrameType.headers, flags: HTTP2Peer.endHeaders, stream: stream, HTTP2Peer.status200)
            try peer.send(HTTP2Peer.FrameType.data, stream: stream, Array("body".utf8))
            // A literal field `x-a: 1`, its name and value spelled out.
            try peer.send(
                HTTP2Peer.FrameType.headers, flags: HTTP2Peer.endHeaders | HTTP2Peer.endStream, stream: stream,
                [0x00, 3] + Array("x-a".utf8) + [1] + Array("1".utf8))
            let response = try await task.value
            #expect(response.status == .ok)
            #expect(response.text == "body")
            #expect(response.headerFields.isEmpty)
        }
    }

    @Test("A stream that the server resets", arguments: [false, true])
    func reset(_ isAnswered: Bool) async throws {
        try await withPeer { peer, client, url in
            let task = Task { await client.failure(of: OutgoingRequest(method: .post, url: url, body: [1])) }
            try await peer.begin()
            let stream = try await peer.nextRequest()
            if isAnswered {
                try peer.send(HTTP2Peer.FrameType.headers, flags: HTTP2Peer.endHeaders, stream: stream, HTTP2Peer.status200)
                // The client's echo tells that it has read that far.
                try peer.send(HTTP2Peer.FrameType.ping, stream: 0, [UInt8](repeating: 7, count: 8))
                _ = try await peer.next(HTTP2Peer.FrameType.ping)
            }
            // INTERNAL_ERROR
            try peer.send(HTTP2Peer.FrameType.reset, stream: stream, [0, 0, 0, 2])
            let error = await task.value
            #expect(error?.code == .connectionLost)
            #expect(error?.delivery == (isAnswered ? .answered(status: 200) : .unknown))
        }
    }

    /// Its stream is reset too, but libcurl may keep that frame until it next writes on the connection.
    @Test("A cancelled request ends at once; the others on the connection go on")
    func cancellation() async throws {
        try await withPeer { peer, client, url in
            let other = Task { try await client.get(url) }
            try await peer.begin()
            let otherStream = try await peer.nextRequest()
            let task = Task { await client.failure(of: OutgoingRequest(method: .post, url: url, body: [1])) }
            _ = try await peer.nextRequest()
            task.cancel()
            let error = await task.value
            #expect(error?.code == .cancelled)
            #expect(error?.delivery == .unknown)
            try peer.answer(otherStream, body: "other")
            let response = try await other.value
            #expect(response.text == "other")
        }
    }
}
