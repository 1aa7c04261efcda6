import HTTPClient

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
