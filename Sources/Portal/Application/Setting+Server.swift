/// What the HTTP server tolerates from clients.
extension Setting {
    static let serverTable: [Setting] = [
        connections, reservedConnections, requestsPerConnection, requestLine, headerLine, headerBytes, headerCount, bodyLimit,
        bodyRate, headerTimeout, bodyTimeout, writeTimeout, idleTimeout, heartbeat, trustedProxies, forwardedFields,
    ]

    static let connections = Setting(
        "CONNECTIONS", .integer(4...100_000), "1024",
        "Open connections of browsers and programs. Above it idle ones make room; where there are none, newcomers get 503.")
    static let reservedConnections = Setting(
        "RESERVED_CONNECTIONS", .integer(1...1000), "16", "Connections beyond that, for health checks only.")
    static let requestsPerConnection = Setting(
        "REQUESTS_PER_CONNECTION", .integer(1...1_000_000_000), "10000", "A connection is closed after so many requests.")
    static let requestLine = Setting(
        "REQUEST_LINE_LIMIT", .integer(256...1_048_576), "8192", "Bytes of method, address and version: 414 above it.")
    static let headerLine = Setting("HEADER_LINE_LIMIT", .integer(256...1_048_576), "8192", "Bytes of one header: 431 above it.")
    static let headerBytes = Setting(
        "HEADER_LIMIT", .integer(1024...1_048_576), "32768", "Bytes of the request line and all headers: 431 above it.")
    static let headerCount = Setting("HEADER_COUNT", .integer(10...10_000), "100", "Headers of a request: 431 above it.")
    static let bodyLimit = Setting(
        "BODY_LIMIT", .integer(65_536...1_073_741_824), "16777216", "Bytes of a request's body: 413 above it. Forms are smaller.")
    static let bodyRate = Setting(
        "BODY_RATE", .integer(1...1_000_000), "500", "Bytes a second that a body must bring, after BODY_TIMEOUT: 408 below it.")
    static let headerTimeout = Setting(
        "HEADER_TIMEOUT", .seconds(1...600), "10", "From a request's first byte to the end of its headers: 408 after it.")
    static let bodyTimeout = Setting(
        "BODY_TIMEOUT", .seconds(1...3600), "10", "Wait for a body before BODY_RATE counts, and for each piece: 408.")
    static let writeTimeout = Setting(
        "WRITE_TIMEOUT", .seconds(1...3600), "30", "For a client to take each 64 KiB of an answer; then it is cut off.")
    static let idleTimeout = Setting("IDLE_TIMEOUT", .seconds(1...3600), "60", "A connection without a request is closed after it.")
    static let heartbeat = Setting(
        "HEARTBEAT", .seconds(1...3600), "15", "A live page's quiet event stream sends a comment after this time.")
    static let trustedProxies = Setting(
        "TRUSTED_PROXIES", .networks, nil,
        "Addresses and networks of reverse proxies whose word about the client is believed. Default: nobody's.")
    static let forwardedFields = Setting(
        "FORWARDED_FIELDS", .choice(["x-forwarded", "forwarded"]), "x-forwarded",
        "What those proxies set: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239).")
}
