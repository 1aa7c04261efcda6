import Foundation
import HTTPTypes
import Hummingbird
import Logging

/// Serves one page with Hummingbird, the way its documentation does it: a router, a byte buffer, HTTP/1.1, no middleware.
///
///     hummingbird-page PORT PATH BODY-FILE FIELDS-FILE
///
/// BODY-FILE holds the bytes to answer with, FIELDS-FILE the header fields, one `name: value` a line; Hummingbird adds Date and
/// Content-Length itself. Port 0 takes any free one. Prints `listens on PORT` when ready.
@main
struct HummingbirdPage {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let port = Int(arguments[1]) else {
            print("Usage: hummingbird-page PORT PATH BODY-FILE FIELDS-FILE")
            exit(2)
        }
        let body = ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: arguments[3])))
        let fields = try headerFields(in: String(contentsOfFile: arguments[4], encoding: .utf8))

        let router = Router()
        router.get(RouterPath(arguments[2])) { _, _ in
            Response(status: .ok, headers: fields, body: .init(byteBuffer: body))
        }
        let app = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { channel in
                print("listens on \(channel.localAddress?.port ?? port)")
                fflush(nil)
            },
            logger: Logger(label: "hummingbird-page") { _ in SwiftLogNoOpLogHandler() })
        try await app.runService()
    }

    private static func headerFields(in text: String) throws -> HTTPFields {
        var fields = HTTPFields()
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let name = HTTPField.Name(String(parts[0])) else {
                throw CocoaError(.fileReadCorruptFile)
            }
            fields.append(HTTPField(name: name, value: parts[1].trimmingCharacters(in: .whitespaces)))
        }
        return fields
    }
}
