/// One row of the settings table. On the command line, in the environment and in `.env` it is called `PERCH_` and its name.
public struct Setting: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case text
        /// Printed as `***`; may be given as a file by the name with `_FILE` behind it.
        case secret
        case path
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case flag
        case choice([String])
        /// An absolute http or https address without a trailing slash.
        case address
        /// An http or https address for a browser, with `{organizationId}` in it or not.
        case pageAddress
        /// In seconds.
        case seconds(ClosedRange<Int>)
        case timeZone
        /// Separated by commas.
        case list
        /// Origins as `frame-ancestors` takes them (CSP level 3, host-source), separated by commas.
        case origins
        /// Names or IP addresses of hosts, separated by commas.
        case hosts
        /// IP addresses and networks such as `10.0.0.0/8`, separated by commas.
        case networks
        /// The same, for addresses that are connected to: no bits behind a prefix.
        case destinationNetworks
    }

    public let name: String
    public let kind: Kind
    /// Nil: may be left out, with the effect that `help` tells.
    public let defaultText: String?
    public let help: String

    init(_ name: String, _ kind: Kind, _ defaultText: String? = nil, _ help: String) {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.help = help
    }

    /// The name with its prefix.
    public var key: String { Self.prefix + name }
    public var isSecret: Bool { kind == .secret }

    public static let prefix = "PERCH_"
    static let fileSuffix = "_FILE"
}

/// The settings table: every setting, its kind, default and meaning. Documentation and checks are made from it.
extension Setting {
    public static let table: [Setting] =
        [
            host, port, publicURL, dataDirectory, resources, secretKey, logLevel, vendorAPIKey, synthesizeURL, mappingURL,
            callsPerSecond, retryAttempts, connectTimeout, totalTimeout, caFile, connector, usageFolder, usageSettleTime,
            usageLimit, usageMaximumAge, vendorHosts, vendorNetworks, allowPlainHTTP, launchSecrets, launchPublicKeyFile, launchKeySetFile,
            launchIssuer, launchAudience, launchClockSkew,
            defaultTimeZone, frameAncestors, sessionIdle, sessionLifetime, zeroCounts, excludedAccounts, excludedServices,
            dropHoldShare, dropHoldPairs,
            parallelCounts, parallelRuns, ticketDeadline, scheduleSpread, lineRetentionDays, stopDeadline,
        ] + serverTable

    static let host = Setting("HOST", .text, "127.0.0.1", "Address to listen on; 0.0.0.0 for every interface.")
    static let port = Setting("PORT", .integer(0...65_535), "8080", "Port to listen on; 0 takes any free one.")
    static let publicURL = Setting(
        "PUBLIC_URL", .address, nil,
        "Where browsers reach the service. Its origin is the only one accepted; https makes cookies Secure. "
            + "Default: http, host and port.")
    static let dataDirectory = Setting("DATA_DIRECTORY", .path, "data", "Holds the database and, without SECRET_KEY, the key file.")
    static let resources = Setting(
        "RESOURCES", .path, nil, "The directory with Public and migrations. Default: found from the program's own place.")
    static let secretKey = Setting(
        "SECRET_KEY", .secret, nil,
        "32 bytes in Base64 that open the stored keys. Default: a key file with mode 0600 is made in the data directory.")
    static let logLevel = Setting(
        "LOG_LEVEL", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), nil,
        "What is logged to standard error. Default: info for serve, warning for the other commands.")
    static let vendorAPIKey = Setting(
        "VENDOR_API_KEY", .secret, nil,
        "The vendor's half of every token, issued by Gradient. VENDOR_API_KEY without prefix is read too. Required to serve.")
    static let synthesizeURL = Setting("SYNTHESIZE_URL", .address, "https://app.usegradient.com", "Synthesize's base address.")
    static let mappingURL = Setting(
        "MAPPING_URL", .pageAddress, "https://app.usegradient.com/integrations",
        "Where partners map; {organizationId} is replaced.")
    static let callsPerSecond = Setting(
        "CALLS_PER_SECOND", .number(0...10_000), "100",
        "Calls that Synthesize allows in any second with the vendor key; Perch keeps 1 % below. 0 lifts the limit.")
    static let retryAttempts = Setting("RETRY_ATTEMPTS", .integer(1...20), "5", "Tries of a call that failed in passing.")
    static let connectTimeout = Setting("CONNECT_TIMEOUT", .seconds(1...300), "10", "Longest wait for an outgoing connection.")
    static let totalTimeout = Setting("TOTAL_TIMEOUT", .seconds(1...3600), "60", "Longest wait for an outgoing call as a whole.")
    static let caFile = Setting("CA_FILE", .path, nil, "PEM file of authorities to trust instead of the system's.")
    static let connector = Setting(
        "CONNECTOR", .text, "saas-alerts",
        "Where accounts and usage come from: the id of a built-in definition (`perch connectors list`), or the path of a file, which "
            + "describes a vendor's API or, with `kind: usage`, usage that is handed in.")
    static let usageFolder = Setting(
        "USAGE_FOLDER", .path, nil,
        "Folder that is watched for usage files, one a partner, where CONNECTOR names a file of `kind: usage`. Default: none.")
    static let usageSettleTime = Setting(
        "USAGE_SETTLE_TIME", .seconds(1...3600), "5", "How long a file in USAGE_FOLDER must not have changed before it is read.")
    static let usageLimit = Setting(
        "USAGE_LIMIT", .integer(1024...67_108_864), "16777216",
        "Bytes of one usage snapshot or file, pushed, uploaded or in USAGE_FOLDER. BODY_LIMIT bounds what is sent to Perch too.")
    static let usageMaximumAge = Setting(
        "USAGE_MAX_AGE_HOURS", .integer(1...8784), "48",
        "Usage handed in longer ago is not sent: a sync fails instead, and what Synthesize has stays.")
    static let vendorHosts = Setting(
        "VENDOR_HOSTS", .hosts, nil,
        "Hosts that requests for usage may go to besides those that the definition names, separated by commas: for a stand-in of the "
            + "vendor. Default: none.")
    static let allowPlainHTTP = Setting(
        "ALLOW_PLAIN_HTTP", .flag, "false", "Accept http addresses of vendors and of Synthesize. Only for a sandbox on the same machine.")
    static let vendorNetworks = Setting(
        "VENDOR_NETWORKS", .destinationNetworks, nil,
        "Addresses that are not public where a vendor's API may be all the same, for instance 10.20.0.0/16. Loopback is among them "
            + "where ALLOW_PLAIN_HTTP is true. Default: none.")
    static let launchSecrets = Setting(
        "LAUNCH_SECRETS", .secret, nil,
        "Shared secrets of launch tokens (HS256), at least 32 bytes each, separated by white space while one is replaced.")
    static let launchPublicKeyFile = Setting(
        "LAUNCH_PUBLIC_KEY_FILE", .path, nil, "PEM file with public keys of launch tokens (RS256, ES256).")
    static let launchKeySetFile = Setting(
        "LAUNCH_JWKS_FILE", .path, nil, "JWK Set with public keys of launch tokens (RS256, ES256). Read at start.")
    static let launchIssuer = Setting("LAUNCH_ISSUER", .text, nil, "When set, a launch token's iss must be this.")
    static let launchAudience = Setting("LAUNCH_AUDIENCE", .text, nil, "When set, a launch token's aud must contain this.")
    static let launchClockSkew = Setting(
        "LAUNCH_CLOCK_SKEW", .seconds(0...300), "30", "How far the portal's clock may be apart from this one.")
    static let defaultTimeZone = Setting("DEFAULT_TIME_ZONE", .timeZone, "UTC", "Time zone of partners that come by a launch.")
    static let frameAncestors = Setting(
        "FRAME_ANCESTORS", .origins, nil, "Origins that may show the pages in a frame, separated by commas. Default: none.")
    static let sessionIdle = Setting("SESSION_IDLE", .seconds(60...86_400), "1800", "A session ends after this time without a request.")
    static let sessionLifetime = Setting("SESSION_LIFETIME", .seconds(60...604_800), "43200", "A session ends after this time.")
    static let zeroCounts = Setting(
        "ZERO_COUNTS", .choice(["report", "sendOnce"]), "report",
        "Counts that dropped to zero are listed for the partner (report) or sent as 0 once (sendOnce).")
    static let excludedAccounts = Setting(
        "EXCLUDED_ACCOUNTS", .list, nil,
        "The vendor's ids of accounts that are kept out of Synthesize, separated by commas; a run writes their counts down as excluded.")
    static let excludedServices = Setting(
        "EXCLUDED_SERVICES", .list, nil, "Names of services that are kept out of Synthesize, separated by commas.")
    static let dropHoldShare = Setting(
        "DROP_HOLD_SHARE", .number(0...1), "0.5", "A run is held when the units sent before shrink by more than this share.")
    static let dropHoldPairs = Setting(
        "DROP_HOLD_PAIRS", .integer(1...1_000_000), "5", "The guard needs at least this many counts sent before.")
    static let parallelCounts = Setting(
        "PARALLEL_COUNTS", .integer(1...256), "64", "Counts of one run at once that wait for their turn or are under way.")
    static let parallelRuns = Setting(
        "PARALLEL_RUNS", .integer(1...256), "8",
        "Runs under way at once. Three quarters of them may send, so that the next ones are read and planned meanwhile.")
    static let ticketDeadline = Setting("TICKET_DEADLINE", .seconds(5...86_400), "300", "How long an alert's ticket is awaited.")
    static let scheduleSpread = Setting(
        "SCHEDULE_SPREAD", .seconds(0...3600), "120", "Scheduled runs of different partners are spread over this time.")
    static let lineRetentionDays = Setting(
        "LINE_RETENTION_DAYS", .integer(0...36_500), "400",
        "Days that the single counts of a sync are kept after its end; its totals stay, and those of each partner's last sync. 0 keeps all."
    )
    static let stopDeadline = Setting("STOP_DEADLINE", .seconds(1...300), "20", "Longest wait for running requests and syncs at a stop.")
}

extension Setting {
    /// The table as it stands in the documentation.
    public static func markdownTable(_ table: [Setting]) -> String {
        let rows = table.map { setting in
            let shownDefault = setting.defaultText.map { "`\($0)`" } ?? ""
            let twin = setting.isSecret ? " (or `\(setting.key)\(fileSuffix)`)" : ""
            return "| `\(setting.key)`\(twin) | \(shownDefault) | \(setting.help) |"
        }
        return (["| setting | default | meaning |", "| --- | --- | --- |"] + rows).joined(separator: "\n")
    }
}
