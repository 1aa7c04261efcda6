/// How long a request may take, how large its answer may be, and how far it may be sent on.
public struct RequestLimits: Sendable, Equatable {
    /// For finding the address, connecting and the TLS handshake together. Waiting for one of the
    /// client's own connections to become free is not part of it.
    public var connectTimeout: Duration

    /// From the call until the last byte of the answer, waiting for a free connection and redirects
    /// included.
    public var totalTimeout: Duration

    /// Bytes of the answer's body as they arrive (compression is never asked for).
    public var maximumAnswerBytes: Int

    /// How many redirects are followed, for GET and HEAD only. With 0 the redirect itself is the answer.
    ///
    /// To another scheme, host or port only `Accept` and `User-Agent` go along. From `https` to `http` is
    /// refused.
    public var maximumRedirects: Int

    public init(
        connectTimeout: Duration = .seconds(10),
        totalTimeout: Duration = .seconds(60),
        maximumAnswerBytes: Int = 64 << 20,
        maximumRedirects: Int = 0
    ) {
        self.connectTimeout = connectTimeout
        self.totalTimeout = totalTimeout
        self.maximumAnswerBytes = maximumAnswerBytes
        self.maximumRedirects = maximumRedirects
    }
}
