import HTTPTypes

/// One server-sent event (WHATWG HTML section 9.2).
public struct ServerSentEvent: Sendable, Equatable {
    public var event: String?
    public var data: String
    public var id: String?
    /// How long a browser waits before it connects again, in milliseconds.
    public var retryMilliseconds: Int?

    public init(event: String? = nil, data: String, id: String? = nil, retryMilliseconds: Int? = nil) {
        self.event = event
        self.data = data
        self.id = id
        self.retryMilliseconds = retryMilliseconds
    }

    /// The event as sent: one field a line, data split at every line end, a blank line after it.
    /// - Throws: `HTTPError` 500 when the event's name or id holds a line break or NUL, which would forge other fields.
    public func encoded() throws(HTTPError) -> [UInt8] {
        var text = ""
        for (field, value) in [("event", event), ("id", id)] {
            guard let value else { continue }
            guard !value.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else {
                throw .misuse("bad-event", "An event's \(field) holds a line break.")
            }
            text += "\(field): \(value)\n"
        }
        if let retryMilliseconds { text += "retry: \(retryMilliseconds)\n" }
        // Lines end with CRLF, LF or CR, all of which a browser would honour.
        let lines = data.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        for line in lines { text += "data: \(line)\n" }
        return Array((text + "\n").utf8)
    }
}

/// Takes the events of a stream, whole ones only: the server sends comments in between. One at a time.
public struct EventWriter: Sendable {
    fileprivate let body: BodyWriter

    /// - Throws: as `BodyWriter.write`; `HTTPError` 500 for an event name or id that holds a line break.
    public func send(_ event: ServerSentEvent) async throws { try await body.write(event.encoded()) }
}

extension Response {
    /// A stream of events, with a comment now and then while it is quiet. `produce` is cancelled when the client goes away
    /// or the server stops; the stream ends when it returns.
    public static func serverSentEvents(_ produce: @escaping @Sendable (EventWriter) async throws -> Void) -> Response {
        var response = Response(headerFields: [.contentType: "text/event-stream", .cacheControl: "no-store"])
        response.body = .stream { try await produce(EventWriter(body: $0)) }
        response.isEventStream = true
        return response
    }
}
