import Foundation

/// Where one alert stands on its way to a ticket.
public enum AlertState: String, Sendable, Hashable, CaseIterable, Codable {
    case queued
    /// The intent is written; the call is under way.
    case sending
    /// Sent, but no answer came: it may have arrived, so it is never sent again blindly.
    case unknown
    /// Synthesize queued it; the ticket is awaited.
    case accepted
    /// A ticket exists.
    case delivered
    /// The account is not mapped in Synthesize yet.
    case notMapped
    case failed
    /// Accepted, but no ticket and no error before the deadline.
    case overdue

    public var isFinal: Bool {
        switch self {
        case .delivered, .notMapped, .failed, .overdue, .unknown: true
        case .queued, .sending, .accepted: false
        }
    }
}

/// One alert in the outbox (contract L1, L2).
public struct Alert: Sendable, Hashable {
    public var id: AlertID
    public var partnerID: PartnerID
    /// The vendor's account id.
    public var accountID: String
    /// The stable id that Synthesize sees; unique a partner (contract U-21).
    public var alertID: String
    public var title: String
    public var text: String
    /// 1 low to 4 very high.
    public var priority: Int
    /// 1 to 6, meanings not published (contract U-20).
    public var statusCode: Int
    public var isTest: Bool
    public var state: AlertState
    /// Dispatches begun.
    public var attempts: Int
    /// When the outbox looks at it next; nil exactly when final.
    public var nextActionAt: Date?
    public var messageID: String?
    public var ticketID: String?
    /// What Synthesize, the PSA, or the failure said.
    public var errors: [String]
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: AlertID, partnerID: PartnerID, accountID: String, alertID: String, title: String, text: String,
        priority: Int, statusCode: Int, isTest: Bool, createdAt: Date
    ) {
        self.id = id
        self.partnerID = partnerID
        self.accountID = accountID
        self.alertID = alertID
        self.title = title
        self.text = text
        self.priority = priority
        self.statusCode = statusCode
        self.isTest = isTest
        self.state = .queued
        self.attempts = 0
        self.nextActionAt = createdAt
        self.messageID = nil
        self.ticketID = nil
        self.errors = []
        self.createdAt = createdAt
        self.updatedAt = createdAt
    }
}

/// The durable outbox.
public protocol AlertStore: Sendable {
    /// Inserts unless the partner has an alert with the same `alertID`; returns the stored one either way.
    func insertAlert(_ alert: Alert) async throws(StoreError) -> Alert
    func alert(_ id: AlertID) async throws(StoreError) -> Alert?
    /// Nil for another partner's alert, as for one that never was.
    func alert(_ id: AlertID, of partner: PartnerID) async throws(StoreError) -> Alert?
    /// A partner's alerts, newest first, those made before `cursor`'s alert; none for an unknown cursor.
    func alerts(_ partner: PartnerID, before cursor: AlertID?, limit: Int) async throws(StoreError) -> [Alert]
    /// Alerts that are not final and due at or before `instant`, earliest first.
    func dueAlerts(at instant: Date, limit: Int) async throws(StoreError) -> [Alert]
    func earliestAlertAction() async throws(StoreError) -> Date?
    /// Reads, changes and writes one alert in one transaction; returns what was written. What the alert says, to whom, and
    /// when it was made stay as first accepted.
    /// - Throws: `StoreError` with code `notFound`, or `constraint` when `nextActionAt` does not fit the state.
    @discardableResult
    func updateAlert(
        _ id: AlertID, _ change: @escaping @Sendable (inout Alert) -> Void
    ) async throws(StoreError) -> Alert
}
