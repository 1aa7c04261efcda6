import HTTPServer
import HTTPTypes

/// A request to one of the simulated APIs.
public struct SandboxRequest: Sendable {
    public var head: HTTPRequest
    public var body: [UInt8]

    public init(head: HTTPRequest, body: [UInt8] = []) {
        self.head = head
        self.body = body
    }

    /// The path as sent, percent-encoded, without the query.
    var path: Substring {
        let target = head.path ?? "/"
        return target.prefix { $0 != "?" }
    }

    /// The decoded query; none when it cannot be decoded.
    var query: FormFields {
        get throws(HTTPError) {
            guard let target = head.path, let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else {
                return FormFields([])
            }
            return try FormFields.parse(target.utf8[target.utf8.index(after: mark)...])
        }
    }

    /// The first value of a header; names are compared without case, as HTTP says.
    func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { head.headerFields[$0] }
    }

    /// Whether the body is form-encoded, which some clients send with PATCH (contract section 14).
    var isForm: Bool {
        (head.headerFields[.contentType] ?? "").lowercased().hasPrefix("application/x-www-form-urlencoded")
    }
}

/// The decoded segments of a path, without its leading slash.
///
/// Ids may hold anything: `%2F` stays inside its segment, an empty segment stays an empty id (a
/// client without a service id calls `/service//count`), one slash at the end is ignored.
/// Nil when an escape is broken or what it spells is not UTF-8.
func decodedSegments(of path: Substring, plusAsSpace: Bool = false) -> [String]? {
    var segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    if segments.first?.isEmpty == true { segments.removeFirst() }
    if segments.last?.isEmpty == true { segments.removeLast() }
    var decoded: [String] = []
    for segment in segments {
        guard let text = decodedText(segment, plusAsSpace: plusAsSpace) else { return nil }
        decoded.append(text)
    }
    return decoded
}

private func decodedText(_ encoded: Substring.UTF8View, plusAsSpace: Bool) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(encoded.count)
    var position = encoded.startIndex
    while position < encoded.endIndex {
        let byte = encoded[position]
        encoded.formIndex(after: &position)
        switch byte {
        case UInt8(ascii: "%"):
            guard position < encoded.endIndex, let high = hexadecimalValue(encoded[position]) else { return nil }
            encoded.formIndex(after: &position)
            guard position < encoded.endIndex, let low = hexadecimalValue(encoded[position]) else { return nil }
            encoded.formIndex(after: &position)
            bytes.append(high << 4 | low)
        case UInt8(ascii: "+") where plusAsSpace: bytes.append(UInt8(ascii: " "))
        default: bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}
