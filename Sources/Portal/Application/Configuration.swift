import Connectors
import Foundation
import HTTPClient
import HTTPServer
import Integration
import Logging
import Secrets

/// The settings as the program uses them.
public struct Configuration: Sendable {
    public var server: ServerConfiguration
    /// Nil: made from the address that the server got.
    public var publicURL: String?
    public var dataDirectory: String
    public var resources: Resources
    public var secretKey: Secret?
    /// Nil: as the command thinks best.
    public var logLevel: Logger.Level?
    public var vendorAPIKey: Secret?
    public var synthesizeURL: String
    public var mappingURL: String
    public var callsPerSecond: Double
    public var retry: RetryPolicy
    public var httpClient: HTTPClientConfiguration
    /// Where accounts and usage come from.
    public var connector: ConnectorSource
    /// The connector's settings by name.
    public var connectorSettings: [String: String]
    /// Watched for usage files; nil: none.
    public var usageFolder: UsageFolder?
    /// Bytes of one usage snapshot or file.
    public var usageLimit: Int
    public var usageMaximumAge: Duration
    /// Hosts that requests for usage may go to besides the definition's.
    public var vendorHosts: [String]
    public var allowsPlainHTTP: Bool
    /// Where a vendor's API may be although the address is not public.
    public var vendorNetworks: [IPNetwork]
    public var launchSecrets: [Secret]
    public var launchPublicKeysPEM: [String]
    /// A JWK Set.
    public var launchKeySet: String?
    public var launchIssuer: String?
    public var launchAudience: String?
    public var launchClockSkew: Duration
    public var defaultTimeZone: String
    public var frameAncestors: [String]
    public var sessionIdle: Duration
    public var sessionLifetime: Duration
    public var policy: IntegrationPolicy
    public var stopDeadline: Duration

    /// - Throws: `SettingsError` naming every problem.
    public init(_ sources: SettingSources) throws(SettingsError) {
        try self.init(SettingValues(sources))
    }

    public init(_ values: SettingValues) throws(SettingsError) {
        let read = Reader(values: values)
        server = Self.server(read)
        publicURL = values[.publicURL]
        dataDirectory = read.text(.dataDirectory)
        resources = try Resources.find(values[.resources])
        secretKey = values[.secretKey].map { Secret($0) }
        logLevel = values[.logLevel].flatMap { Logger.Level(rawValue: $0) }
        vendorAPIKey = values[.vendorAPIKey].map { Secret($0) }
        synthesizeURL = read.text(.synthesizeURL)
        mappingURL = read.text(.mappingURL)
        callsPerSecond = read.number(.callsPerSecond)
        retry = RetryPolicy(maximumAttempts: read.integer(.retryAttempts))
        httpClient = HTTPClientConfiguration(
            limits: RequestLimits(connectTimeout: read.seconds(.connectTimeout), totalTimeout: read.seconds(.totalTimeout)),
            caFile: values[.caFile], userAgent: "perch/" + Perch.version)
        connector = values.connector
        connectorSettings = values.connectorSettings
        usageFolder = try Self.usageFolder(read)
        usageLimit = read.integer(.usageLimit)
        usageMaximumAge = .seconds(3600 * read.integer(.usageMaximumAge))
        vendorHosts = read.list(.vendorHosts)
        allowsPlainHTTP = read.flag(.allowPlainHTTP)
        guard allowsPlainHTTP || synthesizeURL.lowercased().hasPrefix("https:") else {
            throw SettingsError(problems: [
                "\(Setting.synthesizeURL.key) must begin with https://, so that keys travel encrypted. For a sandbox, set "
                    + "\(Setting.allowPlainHTTP.key)=true."
            ])
        }
        // A plain address is for a sandbox on the same machine, so it leads to loopback.
        let loopback = allowsPlainHTTP ? ["127.0.0.0/8", "::1"] : []
        vendorNetworks = (read.list(.vendorNetworks) + loopback).compactMap { IPNetwork($0) }
        launchSecrets = (values[.launchSecrets] ?? "").split(whereSeparator: \.isWhitespace).map { Secret(String($0)) }
        launchPublicKeysPEM = try Self.pemBlocks(values[.launchPublicKeyFile])
        launchKeySet = try Self.text(of: values[.launchKeySetFile], .launchKeySetFile)
        launchIssuer = values[.launchIssuer]
        launchAudience = values[.launchAudience]
        launchClockSkew = read.seconds(.launchClockSkew)
        defaultTimeZone = read.text(.defaultTimeZone)
        frameAncestors = read.list(.frameAncestors)
        sessionIdle = read.seconds(.sessionIdle)
        sessionLifetime = read.seconds(.sessionLifetime)
        policy = IntegrationPolicy(
            zeroCounts: ZeroCountPolicy(rawValue: read.text(.zeroCounts)) ?? .report,
            dropHoldShare: read.number(.dropHoldShare), dropHoldMinimumPairs: read.integer(.dropHoldPairs),
            parallelCounts: read.integer(.parallelCounts), parallelRuns: read.integer(.parallelRuns),
            ticketDeadline: read.seconds(.ticketDeadline), scheduleSpread: read.seconds(.scheduleSpread),
            lineRetention: read.days(.lineRetentionDays),
            exclusions: Exclusions(accounts: read.list(.excludedAccounts), services: read.list(.excludedServices)))
        stopDeadline = read.seconds(.stopDeadline)
    }

    private static func server(_ read: Reader) -> ServerConfiguration {
        var server = ServerConfiguration(host: read.text(.host), port: read.integer(.port))
        server.limits.requestLine = read.integer(.requestLine)
        server.limits.headerLine = read.integer(.headerLine)
        server.limits.headerBytes = read.integer(.headerBytes)
        server.limits.headerCount = read.integer(.headerCount)
        server.limits.body = read.integer(.bodyLimit)
        server.limits.bodyRate = read.integer(.bodyRate)
        server.limits.connections = read.integer(.connections)
        server.limits.reservedConnections = read.integer(.reservedConnections)
        server.limits.requestsPerConnection = read.integer(.requestsPerConnection)
        server.timeouts.header = read.seconds(.headerTimeout)
        server.timeouts.body = read.seconds(.bodyTimeout)
        server.timeouts.write = read.seconds(.writeTimeout)
        server.timeouts.idle = read.seconds(.idleTimeout)
        server.timeouts.heartbeat = read.seconds(.heartbeat)
        server.trustedProxies =
            TrustedProxies(
                read.list(.trustedProxies), fields: TrustedProxies.Fields(rawValue: read.text(.forwardedFields)) ?? .xForwarded)
            ?? TrustedProxies()
        server.alwaysServed = WebSurface.healthPaths
        return server
    }

    /// A folder that is misspelt would look like one without files.
    private static func usageFolder(_ read: Reader) throws(SettingsError) -> UsageFolder? {
        guard let path = read.values[.usageFolder] else { return nil }
        guard case .usage = read.values.connector else {
            throw SettingsError(problems: [
                "\(Setting.usageFolder.key): \(Setting.connector.key) names no file of `kind: usage`, so no usage file would be read."
            ])
        }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw SettingsError(problems: ["\(Setting.usageFolder.key): there is no folder \(path)."])
        }
        return UsageFolder(path: path, settleTime: read.seconds(.usageSettleTime))
    }

    private static func pemBlocks(_ path: String?) throws(SettingsError) -> [String] {
        guard let text = try text(of: path, .launchPublicKeyFile) else { return [] }
        func refused(_ why: String) -> SettingsError {
            SettingsError(problems: ["\(Setting.launchPublicKeyFile.key): the file \(path ?? "") \(why)"])
        }
        let labels = text.matches(of: /-----BEGIN ([^-]*)-----/).map { String($0.1) }
        guard !labels.contains(where: { $0.hasSuffix("PRIVATE KEY") }) else {
            throw refused(
                "holds a private key. Perch needs the public one only, which `openssl pkey -pubout` writes; keep the private one in your "
                    + "portal.")
        }
        let end = "-----END PUBLIC KEY-----"
        let keys = text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("#") }.joined(separator: "\n")
        let pieces = keys.components(separatedBy: end).map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        let blocks = pieces.dropLast()
        let begun = keys.components(separatedBy: "-----BEGIN ").count - 1
        guard begun > 0, labels.allSatisfy({ $0 == "PUBLIC KEY" }), blocks.count == begun else {
            throw refused("must hold public keys and nothing else, each a PEM block that begins with -----BEGIN PUBLIC KEY-----.")
        }
        // What stands beside a block may be meant as a key, or to take one out of use.
        guard pieces.last == "", blocks.allSatisfy({ $0.hasPrefix("-----BEGIN PUBLIC KEY-----") }) else {
            throw refused(
                "holds text before, between or behind its public keys. Take it out, or begin its lines with # if it is a comment.")
        }
        return blocks.map { $0 + "\n" + end + "\n" }
    }

    private static func text(of path: String?, _ setting: Setting) throws(SettingsError) -> String? {
        guard let path else { return nil }
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw SettingsError(problems: ["\(setting.key): the file \(path) cannot be read."])
        }
    }
}

/// Reads checked texts. `SettingValues` has refused what is not of its kind, so the fall-backs are never reached.
private struct Reader {
    let values: SettingValues

    func text(_ setting: Setting) -> String { values[setting] ?? "" }
    func integer(_ setting: Setting) -> Int { Int(text(setting)) ?? 0 }
    func number(_ setting: Setting) -> Double { Double(text(setting)) ?? 0 }
    func flag(_ setting: Setting) -> Bool { text(setting) == "true" }
    func seconds(_ setting: Setting) -> Duration { .seconds(integer(setting)) }
    /// Nil for 0.
    func days(_ setting: Setting) -> Duration? { integer(setting) > 0 ? .seconds(86_400 * integer(setting)) : nil }
    func list(_ setting: Setting) -> [String] { text(setting).listItems }
}

/// The program itself.
public enum Perch {
    public static let version = "0.1.0"
}

/// The directories that belong to the program.
public struct Resources: Sendable, Hashable {
    public var publicDirectory: String
    public var migrationsDirectory: String

    init(_ directory: String) {
        publicDirectory = directory + "/Public"
        migrationsDirectory = directory + "/migrations"
    }

    /// The given directory, or the nearest one above the program that holds both, or `share/perch` beside the program's `bin`, or
    /// the working directory.
    /// - Throws: `SettingsError` naming what is missing.
    public static func find(_ given: String?) throws(SettingsError) -> Resources {
        let candidates: [String]
        if let given {
            candidates = [given]
        } else {
            let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            var above = program.deletingLastPathComponent()
            var found = [above.deletingLastPathComponent().appendingPathComponent("share/perch").path]
            while above.path != "/" {
                found.append(above.path)
                above = above.deletingLastPathComponent()
            }
            candidates = found + [FileManager.default.currentDirectoryPath]
        }
        for candidate in candidates where isComplete(Resources(candidate)) { return Resources(candidate) }
        let place = given ?? "the program's own place and the working directory"
        throw SettingsError(problems: [
            "The directories Public and migrations were not found in \(place). Set \(Setting.resources.key) to the directory "
                + "that holds both."
        ])
    }

    private static func isComplete(_ resources: Resources) -> Bool {
        [resources.publicDirectory, resources.migrationsDirectory].allSatisfy { path in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
        }
    }
}
