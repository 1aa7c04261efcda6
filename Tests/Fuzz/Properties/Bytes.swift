import HTTPTypes

// Character classes spelled out here once more: the ones under test are no judges of themselves.

func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: false
    }
}

/// `tchar`, RFC 9110 section 5.6.2.
func isTokenByte(_ byte: UInt8) -> Bool { isLetterOrDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte) }

/// Unreserved, reserved and `%`: RFC 3986 section 2.
func isURIByte(_ byte: UInt8) -> Bool { isLetterOrDigit(byte) || "-._~:/?#[]@!$&'()*+,;=%".utf8.contains(byte) }

func isHexDigit(_ byte: UInt8) -> Bool { "0123456789abcdefABCDEF".utf8.contains(byte) }

func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

func valueBytes(_ field: HTTPField) -> [UInt8] { field.withUnsafeBytesOfValue { Array($0) } }
