import Connectors
import Store

/// An alert as the vendor's systems hand it in.
public struct AlertSubmission: Sendable, Hashable {
    /// The vendor's stable id of the alert; the same id is never sent twice. Nil makes one.
    public var alertID: String?
    /// The vendor's account id.
    public var accountID: String
    public var title: String
    public var text: String
    /// 1 low to 4 very high.
    public var priority: Int
    /// 1 to 6.
    public var statusCode: Int

    public init(alertID: String?, accountID: String, title: String, text: String, priority: Int, statusCode: Int) {
        self.alertID = alertID
        self.accountID = accountID
        self.title = title
        self.text = text
        self.priority = priority
        self.statusCode = statusCode
    }

    /// - Throws: `invalidInput` naming the field.
    func check() throws(IntegrationError) {
        func require(_ holds: Bool, _ field: String, _ message: String) throws(IntegrationError) {
            if !holds { throw IntegrationError(code: .invalidInput, message: message, field: field) }
        }
        try require(!accountID.isEmpty, "accountId", "The alert needs the id of an account.")
        try require(!title.trimmingWhitespace().isEmpty, "title", "The alert needs a title.")
        try require(!text.trimmingWhitespace().isEmpty, "description", "The alert needs a description.")
        try requireShowableText(accountID, "accountId", "account's id")
        try requireShowableText(title, "title", "title")
        try requireShowableText(text, "description", "description", inLines: true)
        try requireShowableText(alertID, "alertId", "alert id")
        try require((1...4).contains(priority), "priority", "The priority must be 1 (low) to 4 (very high).")
        try require((1...6).contains(statusCode), "status", "The status must be 1 to 6.")
        try require(alertID.map { !$0.isEmpty && $0.count <= 200 } ?? true, "alertId", "The alert id must have 1 to 200 characters.")
    }
}

extension Desk {
    /// Puts an alert into the outbox; an alert id that is there already gives the stored alert back.
    public func submitAlert(
        _ partner: PartnerID, _ submission: AlertSubmission, by initiator: Initiator
    ) async throws(IntegrationError) -> Alert {
        try await submit(partner, submission, isTest: false, by: initiator)
    }

    /// Sends a sample alert for one of the partner's accounts, one that is mapped if there is any.
    /// - Throws: `conflict` when the partner has no account yet.
    public func sendTestAlert(_ partner: PartnerID, by initiator: Initiator) async throws(IntegrationError) -> Alert {
        let (accounts, counts) = try await remember { store throws(StoreError) in
            (try await store.accounts(partner), try await store.lastCounts(partner))
        }
        let accepted = Set(counts.map(\.accountID))
        let account =
            accounts.first { $0.isMapped == true } ?? accounts.first { accepted.contains($0.id) } ?? accounts.first
        guard let account else {
            throw IntegrationError(code: .conflict, message: "There is no account yet to send a test alert for. Connect first.")
        }
        let product = environment.connector.productName
        return try await submit(
            partner,
            AlertSubmission(
                alertID: nil, accountID: account.id, title: "Test alert from \(product)",
                text: "This is a test of the alerts that \(product) sends for \(account.name). Nothing is wrong; the ticket "
                    + "can be closed.",
                priority: 1, statusCode: 1),
            isTest: true, by: initiator)
    }

    /// - Parameter partner: whose alert it has to be. Another's is not found.
    /// - Throws: `notFound`.
    public func alert(_ id: AlertID, of partner: PartnerID? = nil) async throws(IntegrationError) -> Alert {
        let found = try await remember { store throws(StoreError) in
            if let partner { try await store.alert(id, of: partner) } else { try await store.alert(id) }
        }
        guard let alert = found else {
            throw IntegrationError(code: .notFound, message: "There is no such alert.")
        }
        return alert
    }

    /// A partner's alerts, newest first.
    public func alerts(_ partner: PartnerID, before cursor: AlertID?, limit: Int) async throws(IntegrationError) -> [Alert] {
        try await remember { store throws(StoreError) in try await store.alerts(partner, before: cursor, limit: limit) }
    }

    private func submit(
        _ partner: PartnerID, _ submission: AlertSubmission, isTest: Bool, by initiator: Initiator
    ) async throws(IntegrationError) -> Alert {
        try submission.check()
        let connection = try await environment.connection(partner)
        try connection.requireConnected()
        let alert = Alert(
            id: AlertID(environment.random.identifier(prefix: "alr_")), partnerID: partner, accountID: submission.accountID,
            alertID: submission.alertID ?? environment.random.identifier(prefix: "perch-"), title: submission.title,
            text: submission.text, priority: submission.priority, statusCode: submission.statusCode, isTest: isTest,
            createdAt: environment.time.now())
        let stored = try await audited(
            isTest ? "alert.test" : "alert.submit", partner, by: initiator, alert.alertID
        ) { () async throws(IntegrationError) in
            try await remember { store throws(StoreError) in try await store.insertAlert(alert) }
        }
        await outbox.wake()
        return stored
    }
}
