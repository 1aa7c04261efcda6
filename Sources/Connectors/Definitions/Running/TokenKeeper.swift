import HTTPClient

/// The token of one fetch: fetched when it is first needed, by one request however many wait for it, and again shortly before its end
/// or when the vendor refuses it.
actor TokenKeeper {
    struct Token: Sendable {
        var text: String
        var lifetime: Duration
    }

    typealias Fetch = @Sendable () async -> Result<Token, ConnectorError>

    /// Longer than any request should take to arrive.
    private static let margin = Duration.seconds(30)

    private let time: TimeSource
    private var current: (text: String, until: Duration)?
    private var fetching: Task<Result<Token, ConnectorError>, Never>?

    init(time: TimeSource) {
        self.time = time
    }

    /// - Parameter refused: a token that the vendor did not take; another one is wanted.
    func token(insteadOf refused: String?, fetch: @escaping Fetch) async throws(ConnectorError) -> String {
        if let current, current.text != refused, time.elapsed() < current.until { return current.text }
        let task: Task<Result<Token, ConnectorError>, Never>
        if let fetching {
            task = fetching
        } else {
            task = Task { await fetch() }
            fetching = task
        }
        // All who wait belong to one fetch: when one is cancelled, all are.
        let result = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        let token = try result.get()
        if fetching == task {
            fetching = nil
            // Half of a short life is better than none.
            current = (token.text, time.elapsed() + max(token.lifetime - Self.margin, token.lifetime / 2))
        }
        return token.text
    }
}
