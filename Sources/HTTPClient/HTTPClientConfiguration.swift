/// What holds for every request of one `CurlHTTPClient`.
public struct HTTPClientConfiguration: Sendable {
    /// For requests that bring none of their own.
    public var limits: RequestLimits

    /// A PEM file with the only certificate authorities to trust. `nil`: the file that the environment
    /// variable `SSL_CERT_FILE` names, and without it those of the system
    /// (`/etc/ssl/certs/ca-certificates.crt` on Debian).
    public var caFile: String?

    /// Sent as `User-Agent` with requests that bring none of their own.
    public var userAgent: String

    /// To one scheme, host and port. Requests beyond it wait their turn in the order they came; over
    /// HTTP/2 a connection carries many requests at once.
    public var maximumConnectionsPerHost: Int

    /// To all hosts together.
    public var maximumConnections: Int

    public init(
        limits: RequestLimits = RequestLimits(),
        caFile: String? = nil,
        userAgent: String = "perch",
        maximumConnectionsPerHost: Int = 64,
        maximumConnections: Int = 256
    ) {
        self.limits = limits
        self.caFile = caFile
        self.userAgent = userAgent
        self.maximumConnectionsPerHost = maximumConnectionsPerHost
        self.maximumConnections = maximumConnections
    }
}
