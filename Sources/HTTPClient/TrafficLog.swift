import HTTPTypes
import Logging

/// The log lines of the client: method, scheme, host and path, status, time and size. A query, a header
/// field or a body is never in them, and neither is a path whose request brings `pathForLog`.
struct TrafficLog: Sendable {
    let logger: Logger

    func answered(_ request: OutgoingRequest, _ response: IncomingResponse, after elapsed: Duration) {
        logger.debug(
            "HTTP request answered",
            metadata: place(request).merging([
                "status": "\(response.status.code)",
                "milliseconds": "\(elapsed.wholeMilliseconds)",
                "bytes": "\(response.body.count)",
                "version": "\(response.httpVersion)",
            ]) { $1 })
    }

    /// A cancellation is somebody's wish and only informs; everything else is noted.
    func failed(_ request: OutgoingRequest, _ error: HTTPClientError, after elapsed: Duration) {
        let isWished = error.code == .cancelled || error.code == .clientStopped
        logger.log(
            level: isWished ? .info : .notice,
            "HTTP request failed",
            metadata: place(request).merging([
                "code": "\(error.code.rawValue)",
                "delivery": "\(error.delivery)",
                "milliseconds": "\(elapsed.wholeMilliseconds)",
                "reason": "\(error.message)",
            ]) { $1 })
    }

    private func place(_ request: OutgoingRequest) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["method": "\(request.method.rawValue)"]
        // A URL that cannot be taken apart cannot be shown in parts either.
        if let url = try? RequestURL(request.url) {
            metadata["url"] = "\(url.origin)\(request.pathForLog ?? url.path)"
        }
        return metadata
    }
}
