import Foundation
import Secrets

/// What Perch makes of one partner's connection. What Synthesize says of it is `reportedStatus`.
public enum ConnectionState: String, Sendable, Hashable, CaseIterable, Codable {
    case notConnected
    case connected
    /// Synthesize answered 401: the key was regenerated or the integration disconnected.
    case needsNewKey
    /// The partner pressed Disable; the key is kept so that Enable is one click.
    case disabled
}

/// One partner's stored key and what Synthesize says of it.
public struct Connection: Sendable, Hashable {
    public var partnerID: PartnerID
    public var state: ConnectionState
    public var stateSince: Date
    /// What a person reads about how the state came to be; nil when the state says it all.
    public var stateReason: String?
    public var partnerKey: SealedSecret?
    public var keyLastFour: String?
    public var keySavedAt: Date?
    /// Counts the saves of the key, so that a run that learns of a 401 late cannot condemn a newer key.
    public var keyVersion: Int
    public var organizationID: String?
    public var organizationName: String?
    /// The integration status as last read, whatever its spelling (contract U-1).
    public var reportedStatus: String?
    public var statusReadAt: Date?
    /// Set when a connect found that Synthesize had lost accounts it once had: mapping must be redone.
    public var mappingLostAt: Date?

    public init(
        partnerID: PartnerID, state: ConnectionState = .notConnected, stateSince: Date,
        stateReason: String? = nil, partnerKey: SealedSecret? = nil, keyLastFour: String? = nil,
        keySavedAt: Date? = nil, keyVersion: Int = 0, organizationID: String? = nil,
        organizationName: String? = nil, reportedStatus: String? = nil, statusReadAt: Date? = nil,
        mappingLostAt: Date? = nil
    ) {
        self.partnerID = partnerID
        self.state = state
        self.stateSince = stateSince
        self.stateReason = stateReason
        self.partnerKey = partnerKey
        self.keyLastFour = keyLastFour
        self.keySavedAt = keySavedAt
        self.keyVersion = keyVersion
        self.organizationID = organizationID
        self.organizationName = organizationName
        self.reportedStatus = reportedStatus
        self.statusReadAt = statusReadAt
        self.mappingLostAt = mappingLostAt
    }
}

/// What the partner entered for the vendor's own API.
public struct VendorCredential: Sendable, Hashable {
    public var partnerID: PartnerID
    /// The connector that asked for these fields, for instance `saas-alerts`.
    public var connectorID: String
    /// Fields that may be shown again, by field name (an API URL).
    public var openFields: [String: String]
    /// All secret fields as one sealed JSON object, by field name.
    public var sealedFields: SealedSecret
    public var savedAt: Date

    public init(
        partnerID: PartnerID, connectorID: String, openFields: [String: String],
        sealedFields: SealedSecret, savedAt: Date
    ) {
        self.partnerID = partnerID
        self.connectorID = connectorID
        self.openFields = openFields
        self.sealedFields = sealedFields
        self.savedAt = savedAt
    }
}

extension Connection {
    /// Whether nobody has connected, disabled or forgotten the key between the two.
    package func isUnchanged(since before: Connection) -> Bool {
        (state, stateSince, keyVersion) == (before.state, before.stateSince, before.keyVersion)
    }
}

/// Partner keys, vendor credentials, and what is known of each connection.
public protocol ConnectionStore: Sendable {
    /// - Throws: `StoreError` with code `notFound` for an unknown partner.
    func connection(_ partner: PartnerID) async throws(StoreError) -> Connection
    /// Reads, changes and writes in one transaction; returns what was written.
    /// - Throws: `StoreError` with code `notFound` for an unknown partner, `constraint` when state and key do not fit: there is
    ///   a key, with its last four and when it was saved, exactly when the state is not `notConnected`.
    @discardableResult
    func updateConnection(
        _ partner: PartnerID, _ change: @escaping @Sendable (inout Connection) -> Void
    ) async throws(StoreError) -> Connection
    func vendorCredential(_ partner: PartnerID) async throws(StoreError) -> VendorCredential?
    /// Inserts or replaces.
    func saveVendorCredential(_ credential: VendorCredential) async throws(StoreError)
    /// Saves the connection, the vendor's credential (nil keeps the stored one) and the connect job in one transaction.
    /// Nothing is saved when the partner has an active run, which is then returned, or when state or key are not those of `before` any
    /// more, as when somebody disables while the key is still being checked: then nil.
    func saveConnect(
        connection: Connection, replacing before: Connection, credential: VendorCredential?, job: SyncRun
    ) async throws(StoreError) -> RunInsertion?
    /// Removes the partner key and the vendor credential; the connection becomes `notConnected` and keeps
    /// what is known of the organization.
    func forgetKey(_ partner: PartnerID, at: Date) async throws(StoreError)
}
