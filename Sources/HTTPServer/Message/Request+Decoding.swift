import Foundation
import HTTPTypes

extension Request {
    /// The body of an HTML form, `application/x-www-form-urlencoded`.
    /// - Parameter limit: bytes; 64 KiB unless told.
    /// - Throws: `HTTPError` 415 for another content type, 413 above the limit, 400 for broken escapes or bytes that
    ///   are not UTF-8.
    public func form(upTo limit: Int = 64 * 1024) async throws -> FormFields {
        guard mediaType == "application/x-www-form-urlencoded" else {
            throw HTTPError(
                .unsupportedMediaType, code: "not-a-form",
                message: "Send the form as application/x-www-form-urlencoded.")
        }
        return try FormFields.parse(await body.collect(upTo: limit))
    }

    /// The body decoded from JSON (`application/json` or a `+json` type).
    /// - Parameter limit: bytes; 1 MiB unless told.
    /// - Throws: `HTTPError` 415 for another content type, 413 above the limit, 400 with a message that names the
    ///   field at fault, also when it stands twice in one object: readers differ in which they take (RFC 8259 section 4).
    public func json<T: Decodable>(
        _ type: T.Type, upTo limit: Int = 1 << 20, decoder: JSONDecoder = JSONDecoder()
    ) async throws -> T {
        guard isJSON else {
            throw HTTPError(
                .unsupportedMediaType, code: "not-json", message: "Send the body as application/json.")
        }
        let bytes = try await body.collect(upTo: limit)
        let value: T
        do {
            value = try decoder.decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw HTTPError.badRequest("bad-json", error.sentence)
        }
        if let name = JSONNames.repeated(in: bytes) {
            throw HTTPError.badRequest("bad-json", "The body holds the field \(name) twice in one object. Send it once.")
        }
        return value
    }

    /// Whether the content type is `application/json` or a `+json` type.
    public var isJSON: Bool { mediaType.map { $0 == "application/json" || $0.hasSuffix("+json") } ?? false }

    /// The content type without its parameters, in lower case.
    var mediaType: String? {
        guard let value = head.headerFields[.contentType] else { return nil }
        return value.utf8.prefix { $0 != UInt8(ascii: ";") }.trimmingBlanks().lowercasedASCII
    }
}

extension DecodingError {
    /// One sentence a client's developer can act on; it names the place, never the value.
    fileprivate var sentence: String {
        func place(_ path: [any CodingKey]) -> String {
            path.isEmpty
                ? "the top level"
                : path.reduce(into: "") { text, key in
                    text += key.intValue.map { "[\($0)]" } ?? (text.isEmpty ? "" : ".") + key.stringValue
                }
        }
        switch self {
        case .keyNotFound(let key, let context): return "The body lacks \(place(context.codingPath + [key]))."
        case .valueNotFound(let type, let context): return "\(place(context.codingPath)) is null; \(type) is needed."
        case .typeMismatch(let type, let context): return "\(place(context.codingPath)) is not of type \(type)."
        case .dataCorrupted(let context) where context.codingPath.isEmpty: return "The body is not valid JSON."
        case .dataCorrupted(let context): return "\(place(context.codingPath)) holds a value that is not accepted."
        @unknown default: return "The body could not be read."
        }
    }
}
