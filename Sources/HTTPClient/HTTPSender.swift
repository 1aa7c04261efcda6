/// Something that carries one HTTP request to its server and brings back the answer: libcurl in the
/// running program (`CurlHTTPClient`), a table of answers or a simulated server in tests.
public protocol HTTPSender: Sendable {
    /// Sends `request` and waits for the whole answer.
    ///
    /// Any status is an answer, 404 and 500 too: an error is thrown only where there is no complete
    /// answer. `HTTPClientError.delivery` then tells whether the request may have been acted upon.
    ///
    /// When the calling task is cancelled, the transfer is dropped at once and the error's code is
    /// `cancelled`.
    func send(_ request: OutgoingRequest) async throws(HTTPClientError) -> IncomingResponse
}
