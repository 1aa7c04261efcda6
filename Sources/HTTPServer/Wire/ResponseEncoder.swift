import HTTPTypes

/// Turns a handler's answer into the bytes of its head and says how the body must be sent; no sockets, no clock.
struct ResponseEncoder: Sendable {
    /// How the client finds the end of the body.
    enum Framing: Sendable, Equatable {
        /// No body is sent at all.
        case none
        case length(Int)
        case chunked
        /// The connection is closed after the last byte: the only way for a stream to HTTP/1.0.
        case untilClose
    }

    struct Head: Sendable, Equatable {
        var bytes: [UInt8]
        var framing: Framing
        var keepAlive: Bool
    }

    /// - Parameters:
    ///   - keepAlive: whether client and server are both willing; the answer itself may still say no.
    ///   - date: for the `Date` field; RFC 9110 section 6.6.1 asks an origin server with a clock to send one.
    /// - Throws: `HTTPError` 500 for a status that is not final or a field that would break the head.
    static func head(
        _ response: Response, method: HTTPRequest.Method, version: HTTPVersion, keepAlive: Bool, date: String
    ) throws(HTTPError) -> Head {
        let code = response.status.code
        guard (200...599).contains(code) else { throw .misuse("bad-response", "The status \(code) is not a final one.") }
        let (framing, length) = framing(response, method: method, version: version)
        let closes = response.headerFields[values: .connection].contains { $0.utf8.listMembers().contains("close") }
        let keepAlive = keepAlive && framing != .untilClose && !closes

        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        // RFC 9112 section 4: the blank after the code stays even with an empty phrase. The version is the server's
        // own, also towards HTTP/1.0 clients (RFC 9110 section 2.5).
        bytes += "HTTP/1.1 \(code) \(response.status.reasonPhrase)\r\n".utf8
        if !response.headerFields.contains(.date) { append("Date", date, to: &bytes) }
        for field in response.headerFields {
            switch field.name {
            case .contentLength, .transferEncoding, .connection: continue
            default: try append(field, to: &bytes)
            }
        }
        if let length { append("Content-Length", String(length), to: &bytes) }
        if framing == .chunked { append("Transfer-Encoding", "chunked", to: &bytes) }
        // RFC 9112 section 9.3: 1.1 lives on unless told, 1.0 closes unless told.
        if !keepAlive {
            append("Connection", "close", to: &bytes)
        } else if version == .http10 {
            append("Connection", "keep-alive", to: &bytes)
        }
        bytes += [0x0D, 0x0A]
        return Head(bytes: bytes, framing: framing, keepAlive: keepAlive)
    }

    /// The framing, and the value of `Content-Length` if one is to be sent.
    private static func framing(
        _ response: Response, method: HTTPRequest.Method, version: HTTPVersion
    ) -> (Framing, length: Int?) {
        switch response.status.code {
        case 204, 304: return (.none, nil)  // RFC 9110 sections 8.6, 15.3.5, 15.4.5
        case 205: return (.none, 0)  // section 15.3.6
        default: break
        }
        // RFC 9110 section 9.3.2: HEAD gets the fields of GET, and no content.
        let isHead = method == .head
        switch response.body {
        case .empty: return (isHead ? .none : .length(0), 0)
        case .bytes(let bytes): return (isHead ? .none : .length(bytes.count), bytes.count)
        case .truncated(_, let announced): return (isHead ? .none : .length(announced), announced)
        case .abort: return (.none, nil)
        case .stream where isHead: return (.none, nil)
        // RFC 9112 section 6.1: no Transfer-Encoding to a client of HTTP/1.0.
        case .stream: return (version == .http11 ? .chunked : .untilClose, nil)
        }
    }

    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes += name.utf8
        bytes += [0x3A, 0x20]
        bytes += value.utf8
        bytes += [0x0D, 0x0A]
    }

    /// `HTTPField` already turns CR, LF and NUL into spaces; a name or value that would still break the head is refused
    /// rather than repaired (RFC 9110 section 5.5).
    private static func append(_ field: HTTPField, to bytes: inout [UInt8]) throws(HTTPError) {
        let isSafe = field.withUnsafeBytesOfValue { value in
            bytes += field.name.rawName.utf8
            bytes += [0x3A, 0x20]
            bytes += value
            return value.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
        }
        // The type's only names that are no tokens are those of HTTP/2's pseudo fields.
        guard isSafe, field.name.rawName.utf8.first != 0x3A else {
            throw .misuse("bad-response", "The field \(field.name.rawName) holds a character that no header may hold.")
        }
        bytes += [0x0D, 0x0A]
    }

    /// One chunk (RFC 9112 section 7.1). `bytes` is not empty: an empty chunk would end the body.
    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        Array(String(bytes.count, radix: 16).utf8) + [0x0D, 0x0A] + bytes + [0x0D, 0x0A]
    }

    static let lastChunk = Array("0\r\n\r\n".utf8)
    static let continueHead = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
}
