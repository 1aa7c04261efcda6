/// Percent-encoding (RFC 3986 section 2.1).
enum PercentCoding {
    /// Nil for an escape that is not `%` and two hex digits, and for a result that is not UTF-8.
    static func decode(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String? {
        var output: [UInt8] = []
        var input = text.makeIterator()
        while let byte = input.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = input.next().flatMap(WireNumber.hexDigit), let low = input.next().flatMap(WireNumber.hexDigit)
                else { return nil }
                output.append(high << 4 | low)
            } else {
                output.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(validating: output, as: UTF8.self)
    }

    /// Escapes every byte that no URI may hold and leaves the rest, `%` included, alone.
    static func encodingNonURI(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            if ASCIISet.uri.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
