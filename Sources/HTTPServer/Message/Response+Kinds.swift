import Foundation
import HTTPTypes

extension Response {
    private init(status: HTTPResponse.Status, contentType: String, bytes: [UInt8]) {
        self.init(status: status, headerFields: [.contentType: contentType], body: .bytes(bytes))
    }

    public static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, contentType: "text/html; charset=utf-8", bytes: Array(text.utf8))
    }

    public static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, contentType: "text/plain; charset=utf-8", bytes: Array(text.utf8))
    }

    /// `value` as `application/json`. A value that cannot be encoded (a NaN, say) becomes a logged, empty 500.
    public static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, encoder: JSONEncoder = JSONEncoder()
    ) -> Response {
        do {
            return Response(status: status, contentType: "application/json", bytes: Array(try encoder.encode(value)))
        } catch {
            var response = Response(status: .internalServerError)
            response.failure = error
            return response
        }
    }

    /// `application/problem+json` (RFC 9457): `title` is the status's own phrase, `code` an extension member for programs.
    public static func problem(
        _ status: HTTPResponse.Status, code: String, detail: String, headerFields: HTTPFields = [:]
    ) -> Response {
        struct Problem: Encodable {
            let type = "about:blank"
            var title: String, status: Int, code: String, detail: String
        }
        var response = Response.json(
            Problem(title: status.reasonPhrase, status: status.code, code: code, detail: detail), status: status)
        response.headerFields[.contentType] = "application/problem+json"
        response.headerFields.append(contentsOf: headerFields)
        return response
    }

    public static func problem(_ error: HTTPError) -> Response {
        problem(error.status, code: error.code, detail: error.message, headerFields: error.headerFields)
    }

    /// 303 See Other (RFC 9110 section 15.4.4): the browser goes on with GET. Bytes that a URI cannot hold are
    /// percent-encoded, so a location can never end its own header line.
    public static func redirect(to location: String) -> Response {
        Response(status: .seeOther, headerFields: [.location: PercentCoding.encodingNonURI(location)])
    }
}
