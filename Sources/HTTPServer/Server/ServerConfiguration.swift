/// Where a server listens and what it tolerates. The defaults suit a service behind a reverse proxy on one small box.
public struct ServerConfiguration: Sendable {
    /// A numeric address or `localhost`; `0.0.0.0` or `::` for every interface. Names are not resolved.
    public var host: String = "127.0.0.1"
    /// 0 takes any free port; `Server.start` returns which.
    public var port: Int = 0
    public var limits = ServerLimits()
    public var timeouts = ServerTimeouts()

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
    /// Connections open at once; further ones wait in the system's queue.
    public var connections = 1024
    /// Requests on one connection before it is closed.
    public var requestsPerConnection = 1000

    public init() {}
}

/// How long a client may take. Each is checked by a timer that ticks at an eighth of the shortest, at least every 250 ms.
public struct ServerTimeouts: Sendable {
    /// From the first byte of a request to the end of its head (408 after it), and from connecting to the first byte.
    public var header: Duration = .seconds(10)
    /// The time spent waiting for one request's body, summed; time the handler takes is not counted. 408 after it.
    public var body: Duration = .seconds(60)
    /// For the client to take each 64 KiB of an answer. The connection is cut after it.
    public var write: Duration = .seconds(30)
    /// Between two requests on one connection. It is closed without a word after it.
    public var idle: Duration = .seconds(60)

    public init() {}

    /// How often deadlines are checked.
    var tick: Duration { max(min(min(header, body, write, idle) / 8, .milliseconds(250)), .milliseconds(5)) }
}
