/// Percent-encoding of one part of a URL: every byte of the UTF-8 text that is not unreserved
/// (RFC 3986 section 2.3: letters, digits, `-` `.` `_` `~`) becomes `%XX`, so a space is `%20` and a `/`
/// inside an identifier is `%2F` (contract U-32).
public enum PercentEncoding {
    /// For one path segment, such as an account's id.
    ///
    /// `.` and `..` are unreserved and come back as they are; a URL that holds one as a segment is refused
    /// by the client, since no encoding keeps servers from taking it for a step in the path.
    public static func pathSegment(_ text: String) -> String { encode(text) }

    /// For a name or a value in a query.
    public static func queryComponent(_ text: String) -> String { encode(text) }

    private static func encode(_ text: String) -> String {
        let plain = text.utf8
        if plain.allSatisfy(isUnreserved) { return text }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(plain.count * 3)
        for byte in plain {
            if isUnreserved(byte) {
                encoded.append(byte)
            } else {
                encoded.append(UInt8(ascii: "%"))
                encoded.append(hexDigits[Int(byte >> 4)])
                encoded.append(hexDigits[Int(byte & 0x0F)])
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Upper case, as RFC 3986 section 2.1 asks of those who write them.
    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default:
            false
        }
    }
}
