/// An absolute `http` or `https` URL, taken apart as far as the client has to decide by it.
struct RequestURL: Sendable, Equatable {
    enum Scheme: String, Sendable {
        case http, https

        var defaultPort: Int {
            switch self {
            case .http: 80
            case .https: 443
            }
        }
    }

    /// What a header field with a credential may not leave (RFC 6454 section 4).
    struct Origin: Hashable, Sendable, CustomStringConvertible {
        var scheme: Scheme
        /// Lower case; an IPv6 address with its brackets.
        var host: String
        var port: Int

        /// Host, and port where it is not the scheme's own: what messages name.
        var hostAndPort: String { port == scheme.defaultPort ? host : "\(host):\(port)" }
        var description: String { "\(scheme.rawValue)://\(hostAndPort)" }
    }

    /// As given, for libcurl.
    let text: String
    let origin: Origin
    /// From the first `/` after the host up to the query.
    let path: String

    /// What is wrong with a URL, for a message. Never holds a part of the URL, which may hold a secret.
    struct Problem: Error, Equatable {
        var message: String
    }

    init(_ text: String) throws(Problem) {
        let bytes = Array(text.utf8)
        try Self.checkCharacters(bytes)

        let scheme: Scheme
        let authorityStart: Int
        if Self.starts(bytes, with: "https://") {
            (scheme, authorityStart) = (.https, 8)
        } else if Self.starts(bytes, with: "http://") {
            (scheme, authorityStart) = (.http, 7)
        } else {
            throw Problem(message: "it has to begin with http:// or https://")
        }

        let authorityEnd =
            bytes[authorityStart...].firstIndex { $0 == Self.slash || $0 == Self.questionMark }
            ?? bytes.endIndex
        let (host, port) = try Self.hostAndPort(bytes[authorityStart..<authorityEnd])
        let pathEnd = bytes[authorityEnd...].firstIndex(of: Self.questionMark) ?? bytes.endIndex
        try Self.checkSegments(bytes[authorityEnd..<pathEnd])

        self.text = text
        self.origin = Origin(scheme: scheme, host: host, port: port ?? scheme.defaultPort)
        self.path = authorityEnd == pathEnd ? "/" : String(decoding: bytes[authorityEnd..<pathEnd], as: UTF8.self)
    }

    private static let slash = UInt8(ascii: "/")
    private static let questionMark = UInt8(ascii: "?")
    private static let percent = UInt8(ascii: "%")

    private static func starts(_ bytes: [UInt8], with prefix: StaticString) -> Bool {
        bytes.count >= prefix.utf8CodeUnitCount
            && prefix.withUTF8Buffer { $0.elementsEqual(bytes.prefix($0.count).map(lowercased)) }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// Control characters and spaces would end the request line, other bytes outside ASCII mean something
    /// else to every server. A bare `#` cuts the rest off, a `\` is read as `/` by some: both are
    /// identifiers that nobody encoded.
    private static func checkCharacters(_ bytes: [UInt8]) throws(Problem) {
        for (offset, byte) in bytes.enumerated() {
            switch byte {
            case 0...0x1F, 0x7F:
                throw Problem(message: "it holds a control character (byte \(byte) at offset \(offset))")
            case UInt8(ascii: " "):
                throw Problem(message: "it holds a space at offset \(offset); in a URL that is %20")
            case 0x80...:
                throw Problem(message: "it holds a character outside ASCII at offset \(offset) that is not percent-encoded")
            case UInt8(ascii: "#"), UInt8(ascii: "\\"):
                throw Problem(
                    message: "it holds a '\(Character(UnicodeScalar(byte)))' at offset \(offset) that is not percent-encoded")
            case percent:
                guard offset + 2 < bytes.count, isHexDigit(bytes[offset + 1]), isHexDigit(bytes[offset + 2]) else {
                    throw Problem(message: "it holds a '%' at offset \(offset) that no two hexadecimal digits follow")
                }
            default:
                break
            }
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default:
            false
        }
    }

    private static func hostAndPort(_ authority: ArraySlice<UInt8>) throws(Problem) -> (host: String, port: Int?) {
        guard !authority.contains(UInt8(ascii: "@")) else {
            throw Problem(message: "it holds a user name or password; send them in a header field")
        }
        var hostEnd = authority.endIndex
        if authority.first == UInt8(ascii: "[") {
            guard let closing = authority.firstIndex(of: UInt8(ascii: "]")) else {
                throw Problem(message: "the bracket before its IPv6 address is never closed")
            }
            hostEnd = closing + 1
            let address = authority[(authority.startIndex + 1)..<closing]
            guard !address.isEmpty, address.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { throw Problem(message: "what stands in brackets is not an IPv6 address") }
        } else {
            hostEnd = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
            let name = authority[authority.startIndex..<hostEnd]
            guard !name.isEmpty else { throw Problem(message: "it names no host") }
            guard name.allSatisfy(PercentEncoding.isUnreserved) else {
                throw Problem(message: "its host has a character that no host name has")
            }
        }
        let host = String(decoding: authority[authority.startIndex..<hostEnd].map(lowercased), as: UTF8.self)

        let rest = authority[hostEnd...]
        guard let colon = rest.first else { return (host, nil) }
        let digits = rest.dropFirst()
        guard colon == UInt8(ascii: ":"), digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = Int(String(decoding: digits, as: UTF8.self)), (1...65535).contains(port)
        else { throw Problem(message: "its port is not a number from 1 to 65535") }
        return (host, port)
    }

    /// Refuses `.` and `..`, also as `%2e`: an identifier of that name would turn
    /// `/accounts/../x` into another call with this one's credentials (RFC 3986 section 5.2.4).
    private static func checkSegments(_ path: ArraySlice<UInt8>) throws(Problem) {
        for segment in path.split(separator: slash) where segment.count <= 6 {
            var plain = segment.map(lowercased)
            while let index = plain.firstIndex(of: percent), plain[index...].starts(with: "%2e".utf8) {
                plain.replaceSubrange(index..<(index + 3), with: CollectionOfOne(UInt8(ascii: ".")))
            }
            if plain.elementsEqual(".".utf8) || plain.elementsEqual("..".utf8) {
                throw Problem(message: "its path has a segment '.' or '..', which servers take for a step in the path")
            }
        }
    }
}
