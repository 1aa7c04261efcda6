import Foundation
import HTTPClient

/// Usage as it was handed in, not yet read.
public struct ReceivedUsage: Sendable, Hashable {
    public enum Form: String, Sendable, Hashable, CaseIterable {
        /// Pushed by the vendor's own systems: the JSON that `PUT /usage` takes.
        case snapshot
        /// A file written as the usage source says.
        case file
    }

    public var form: Form
    public var bytes: [UInt8]
    public var receivedAt: Date

    public init(form: Form, bytes: [UInt8], receivedAt: Date) {
        self.form = form
        self.bytes = bytes
        self.receivedAt = receivedAt
    }
}

/// How usage is handed in: pushed, uploaded, or left in a folder.
public struct UsageIntake: Sendable {
    public let source: UsageSource
    /// Nil: no folder is looked into.
    public let folder: UsageFolder?
    /// Most bytes of one snapshot or file.
    public let limit: Int
    /// Usage older than this stands for nothing any more.
    public let maximumAge: Duration

    public init(source: UsageSource, folder: UsageFolder? = nil, limit: Int = 16 << 20, maximumAge: Duration = .seconds(48 * 3600)) {
        self.source = source
        self.folder = folder
        self.limit = limit
        self.maximumAge = maximumAge
    }

    /// Everything that was handed in, or nothing of it.
    /// - Throws: `invalidFile` naming the line or field of the first mistake, `emptyList`, `tooLarge`.
    public func snapshot(_ form: ReceivedUsage.Form, _ bytes: [UInt8]) throws(ConnectorError) -> VendorSnapshot {
        let services = Set(source.services.map(\.name))
        return switch form {
        case .snapshot: try PushedUsage.snapshot(of: bytes, services: services)
        case .file: try source.file.snapshot(of: bytes, services: services)
        }
    }

    /// The name of a partner's file in the folder.
    public func fileName(of partner: String) -> String {
        UsageFolder.fileName(of: partner) + (source.file.isCSV ? ".csv" : ".json")
    }

    /// When the partner's file in the folder can be read; nil when there is none.
    /// - Throws: `invalidFile` when something else has its name, `unreachable`.
    public func fileReadyAt(_ partner: String) throws(ConnectorError) -> Date? {
        guard let folder else { return nil }
        return try folder.find(fileName(of: partner)).map(folder.readyAt)
    }
}

/// Takes what was handed in: the newest of the partner's file in the folder and what was pushed or uploaded.
public struct UsageConnector: Connector {
    private let handedIn: UsageIntake
    private let time: TimeSource

    public init(_ intake: UsageIntake, time: TimeSource) {
        handedIn = intake
        self.time = time
    }

    public var intake: UsageIntake? { handedIn }
    public var id: String { handedIn.source.id }
    public var productName: String { handedIn.source.name }
    public var services: [CatalogueService] { handedIn.source.services }
    /// Nothing is asked of the partner: whose usage it is, is said by whoever hands it in.
    public var fields: [ConnectorField] { [] }

    public func credential(from entered: [String: String]) throws(ConnectorError) -> ConnectorCredential { try sorted(entered) }

    public func fetchAccounts(_ request: FetchRequest) async throws(ConnectorError) -> VendorAccounts {
        let snapshot = try await fetchUsage(request)
        return VendorAccounts(accounts: snapshot.accounts, recordsDropped: snapshot.recordsDropped)
    }

    public func fetchUsage(_ request: FetchRequest) async throws(ConnectorError) -> VendorSnapshot {
        let now = time.now()
        let name = handedIn.fileName(of: request.partner)
        if let folder = handedIn.folder, let found = try folder.find(name), found.arrivedAt > request.received?.receivedAt ?? .distantPast {
            try requireFresh(found.writtenAt, "The file \(name)", now)
            return try handedIn.snapshot(.file, try folder.read(name, found, limit: handedIn.limit, now: now))
        }
        guard let received = request.received else {
            throw ConnectorError(
                code: .notReceived,
                message: "No usage of \(productName) was handed in for this partner yet; \(productName) has to do that first. "
                    + "Nothing was changed.")
        }
        try requireFresh(received.receivedAt, "The usage that was handed in last", now)
        return try handedIn.snapshot(received.form, received.bytes)
    }

    private func requireFresh(_ instant: Date, _ what: String, _ now: Date) throws(ConnectorError) {
        let age = now.timeIntervalSince(instant)
        guard age > handedIn.maximumAge.seconds else { return }
        throw ConnectorError(
            code: .outdated,
            message: "\(what) is \(Int(age / 3600)) hours old, and at most \(Int(handedIn.maximumAge.seconds / 3600)) are allowed. "
                + "Nothing was sent; what Synthesize has stays. Hand in newer usage.")
    }
}
