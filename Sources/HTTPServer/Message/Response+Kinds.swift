import Foundation
import HTTPTypes

extension Response {
    public static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headerFields: [.contentType: "text/html; charset=utf-8"], body: .bytes(Array(text.utf8)))
    }

    public static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headerFields: [.contentType: "text/plain; charset=utf-8"], body: .bytes(Array(text.utf8)))
    }

    /// `value` as `application/json`. A value that cannot be encoded (a NaN, say) becomes a logged, empty 500.
    public static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, encoder: JSONEncoder = JSONEncoder()
    ) -> Response {
        do {
            let bytes = Array(try encoder.encode(value))
            return Response(status: status, headerFields: [.contentType: "application/json"], body: .bytes(bytes))
        } catch {
            return Response(failure: error)
        }
    }

    /// 303 See Other (RFC 9110 section 15.4.4): the browser goes on with GET. Bytes that a URI cannot hold are
    /// percent-encoded, so a location can never end its own header line.
    public static func redirect(to location: String) -> Response {
        Response(status: .seeOther, headerFields: [.location: PercentCoding.encodingNonURI(location)])
    }
}
