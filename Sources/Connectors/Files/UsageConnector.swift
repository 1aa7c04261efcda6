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
    /// The id under which it is remembered.
    public var name: String
    public var receivedAt: Date

    public init(form: Form, bytes: [UInt8], name: String, receivedAt: Date) {
        self.form = form
        self.bytes = bytes
        self.name = name
        self.receivedAt = receivedAt
    }

    var usage: HandedInUsage {
        HandedInUsage(kind: form == .snapshot ? .push : .upload, name: name, countsFrom: receivedAt)
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
}

/// Takes what was handed in: the newest of the partner's file in the folder and what was pushed or uploaded, and never an older one
/// than the last sync took.
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
        let choice = try handedIn.choice(for: request.partner, received: request.received?.usage, now: now)
        let usage = try handedIn.requireNewest(choice, taken: request.taken)
        try handedIn.requireFresh(usage, now)
        var snapshot: VendorSnapshot
        if let folder = handedIn.folder, let found = choice.file {
            snapshot = try handedIn.snapshot(.file, try folder.read(usage.name, found, limit: handedIn.limit, now: now))
        } else if let received = request.received {
            snapshot = try handedIn.snapshot(received.form, received.bytes)
        } else {
            throw ConnectorError(code: .notReceived, message: "No usage was handed in. Nothing was changed.")
        }
        snapshot.handedIn = usage
        return snapshot
    }
}
