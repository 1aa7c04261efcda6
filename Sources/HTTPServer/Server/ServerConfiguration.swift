/// Where a server listens and what it tolerates. The defaults suit a service behind a reverse proxy on one small box.
public struct ServerConfiguration: Sendable {
    /// A numeric address or `localhost`; `0.0.0.0` or `::` for every interface. Names are not resolved.
    public var host: String
    /// 0 takes any free port; `Server.start` returns which.
    public var port: Int
    public var limits = ServerLimits()
    public var timeouts = ServerTimeouts()
    /// Proxies whose word about the client is believed.
    public var trustedProxies = TrustedProxies()
    /// Paths, such as that of a health check, which are answered even when all connections are taken.
    public var alwaysServed: Set<String> = []

    public init(host: String = "127.0.0.1", port: Int = 0) {
        self.host = host
        self.port = port
    }
}

/// How much a client may send. Lengths are in bytes without line ends, save `headerBytes`.
public struct ServerLimits: Sendable {
    /// Method, target and version: 414 above it. RFC 9112 section 3 recommends at least 8000.
    public var requestLine = 8192
    /// One header line: 431 above it.
    public var headerLine = 8192
    /// The whole head, request line and line ends included: 431 above it.
    public var headerBytes = 32 * 1024
    /// Header fields: 431 above it.
    public var headerCount = 100
    /// Body after removal of the chunked coding: 413 above it. A handler may set a lower limit when it reads.
    public var body = 16 * 1024 * 1024
    /// Bytes a second that a body must bring while the server waits for it, reckoned from `ServerTimeouts.body` on. 408
    /// below it.
    public var bodyRate = 500
    /// Connections open at once. Newcomers beyond it take the place of the one that has been kept longest without a
    /// request; where there is none, they get 503, save for `ServerConfiguration.alwaysServed`.
    public var connections = 1024
    /// Connections beyond that limit, on which only `ServerConfiguration.alwaysServed` is answered.
    public var reservedConnections = 16
    /// Requests on one connection before it is closed.
    public var requestsPerConnection = 10_000

    public init() {}
}

/// How long a client may take. Each is checked by a timer that ticks at an eighth of the shortest, at least every 250 ms
/// and at most every 5 ms.
public struct ServerTimeouts: Sendable {
    /// From the first byte of a request to the end of its head: 408 after it.
    public var header: Duration = .seconds(10)
    /// Waiting for one request's body before `ServerLimits.bodyRate` counts, and the longest wait for the next piece: 408 after it.
    /// The time that the handler takes is not waiting.
    public var body: Duration = .seconds(10)
    /// For the client to take each 64 KiB of an answer. The connection is cut after it.
    public var write: Duration = .seconds(30)
    /// From connecting to the first byte, and between two requests. The connection is closed without a word after it.
    public var idle: Duration = .seconds(60)
    /// After this long without an event, a comment is sent on an event stream, so that no proxy takes it for dead.
    public var heartbeat: Duration = .seconds(15)
    /// How long a browser is told to wait before it opens an event stream again that a stopping server ended.
    public var eventRetry: Duration = .seconds(2)
    /// Discarding what a client still sends behind its last answer, so that it reads that answer (RFC 9112 section 9.6).
    public var linger: Duration = .seconds(5)
    /// A client that is silent so long while the connection lingers has sent what it wanted to.
    public var lingerSilence: Duration = .seconds(1)

    public init() {}

    /// How often deadlines are checked.
    var tick: Duration {
        max(min(min(header, body, write, idle, heartbeat) / 8, .milliseconds(250)), .milliseconds(5))
    }
}
