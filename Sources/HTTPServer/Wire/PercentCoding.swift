/// Percent-encoding (RFC 3986 section 2.1).
enum PercentCoding {
    /// Nil for an escape that is not `%` and two hex digits, and for a result that is not UTF-8.
    static func decode(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String? {
        guard let bytes = bytes(text, plusIsSpace: plusIsSpace, keepBroken: false) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Broken escapes stay as written; what is not UTF-8 becomes U+FFFD.
    static func decodeLeniently(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String {
        String(decoding: bytes(text, plusIsSpace: plusIsSpace, keepBroken: true) ?? [], as: UTF8.self)
    }

    private static func bytes(_ text: some Sequence<UInt8>, plusIsSpace: Bool, keepBroken: Bool) -> [UInt8]? {
        let input = Array(text)
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var index = 0
        while index < input.count {
            let byte = input[index]
            if byte == UInt8(ascii: "%") {
                if index + 2 < input.count, let high = WireNumber.hexDigit(input[index + 1]),
                    let low = WireNumber.hexDigit(input[index + 2])
                {
                    output.append(high << 4 | low)
                    index += 3
                    continue
                }
                guard keepBroken else { return nil }
            }
            output.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
            index += 1
        }
        return output
    }

    /// Escapes every byte that no URI may hold and leaves the rest, `%` included, alone.
    static func encodingNonURI(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for byte in text.utf8 {
            if ASCIISet.uri.contains(byte) {
                output.append(byte)
            } else {
                output += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
