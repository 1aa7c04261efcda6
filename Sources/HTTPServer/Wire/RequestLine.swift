import Glibc
import HTTPTypes

/// `method SP request-target SP HTTP-version` (RFC 9112 section 3), split and its method and version checked. Section 3
/// lets a server split at any white space; only single spaces are taken here.
struct RequestLine: Sendable {
    var method: HTTPRequest.Method
    var target: ArraySlice<UInt8>
    var version: HTTPVersion

    init(_ line: ArraySlice<UInt8>) throws(HTTPError) {
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), first < last - 1,
            line[..<first].allSatisfy(ASCIISet.token.contains),
            let method = HTTPRequest.Method(String(decoding: line[..<first], as: UTF8.self))
        else { throw .badRequest("bad-request-line", "The request line is not: method, target, version.") }
        self.method = method
        target = line[(first + 1)..<last]
        version = try Self.version(line[(last + 1)...])
        guard target.allSatisfy(ASCIISet.target.contains) else {
            throw .badRequest("bad-target", "The request target holds a character that must be percent-encoded.")
        }
    }

    /// RFC 9112 section 2.3: `HTTP/` DIGIT `.` DIGIT, capitals only.
    private static func version(_ text: ArraySlice<UInt8>) throws(HTTPError) -> HTTPVersion {
        let digits = text.dropFirst(5)
        guard text.starts(with: "HTTP/".utf8), digits.count == 3, let major = digits.first, major &- 0x30 < 10,
            digits[digits.startIndex + 1] == UInt8(ascii: "."), let minor = digits.last, minor &- 0x30 < 10
        else { throw .badRequest("bad-version", "The request line does not end in a version such as HTTP/1.1.") }
        guard major == UInt8(ascii: "1") else {
            throw HTTPError(
                .httpVersionNotSupported, code: "unknown-version", message: "This server speaks HTTP/1.1 and HTTP/1.0.")
        }
        return minor == UInt8(ascii: "0") ? .http10 : .http11
    }
}

/// A request target in one of the four forms of RFC 9112 section 3.2, taken apart.
struct RequestTarget: Sendable, Equatable {
    /// Path and query, or `*`.
    var path: String
    /// Only an absolute target has one.
    var authority: String?

    init(_ target: ArraySlice<UInt8>, method: HTTPRequest.Method) throws(HTTPError) {
        // Section 3.2.3: CONNECT alone uses the authority form. This server is no proxy: 501, RFC 9110 section 9.1.
        guard method != .connect else {
            throw HTTPError(.notImplemented, code: "no-tunnels", message: "CONNECT is not available here.")
        }
        // RFC 3986 section 2.1: `%` is always followed by two hex digits. Checked once here, so that nobody behind has to guess
        // what a broken escape meant.
        let escapes = target.split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false).dropFirst().map { $0.prefix(2) }
        guard escapes.allSatisfy({ $0.count == 2 && WireNumber.hexadecimal($0) != nil }) else {
            throw .badRequest("bad-target", "The request target holds a broken %-escape.")
        }
        let rest: ArraySlice<UInt8>
        if target.first == UInt8(ascii: "/") || target.elementsEqual("*".utf8) && method == .options {  // 3.2.1, 3.2.4
            rest = target
        } else {  // section 3.2.2, absolute form
            let start = target.prefix(8).lowercasedASCII
            // RFC 9110 section 7.4: https over a connection without TLS must be refused. A proxy that ends TLS sends the path alone.
            guard start != "https://" else {
                throw HTTPError(.misdirectedRequest, code: "not-secured", message: "This connection is not secured for https.")
            }
            guard start.hasPrefix("http://") else {
                throw .badRequest("bad-target", "The request target must start with / or http://.")
            }
            let afterScheme = target.dropFirst(7)
            let end = afterScheme.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? afterScheme.endIndex
            guard Self.isAuthority(afterScheme[..<end]) else {
                throw .badRequest("bad-target", "The request target names no valid host.")
            }
            authority = String(decoding: afterScheme[..<end], as: UTF8.self)
            rest = afterScheme[end...]
        }
        let text = String(decoding: rest, as: UTF8.self)
        path = text.first == "/" || text == "*" ? text : "/" + text  // an empty path is `/` (section 3.2.1)
    }

    /// `uri-host [":" port]` (RFC 9110 section 4.2): a name, an IPv4 address or an IPv6 literal in brackets, and a port of
    /// at most five digits. User information is refused (section 4.2.4).
    static func isAuthority(_ text: some Sequence<UInt8>) -> Bool {
        let bytes = Array(text)
        var port: ArraySlice<UInt8>
        if bytes.first == UInt8(ascii: "[") {
            var address = in6_addr()
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")),
                inet_pton(AF_INET6, String(decoding: bytes[1..<close], as: UTF8.self), &address) == 1
            else { return false }
            port = bytes[(close + 1)...]
        } else {
            let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            guard end > 0, bytes[..<end].allSatisfy(ASCIISet.hostName.contains) else { return false }
            port = bytes[end...]
        }
        if port.isEmpty { return true }
        guard port.removeFirst() == UInt8(ascii: ":") else { return false }
        return port.isEmpty || (port.count <= 5 && (WireNumber.decimal(port) ?? .max) <= 65535)
    }
}
