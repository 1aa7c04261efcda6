import Foundation
import GRDB

extension SQLiteStore {
    public func insertAlert(_ alert: Alert) async throws(StoreError) -> Alert {
        try await write { database in
            if let stored = try database.fetchOne(
                Alert.self, "SELECT * FROM alert WHERE partner_id = ? AND alert_id = ?",
                [alert.partnerID.rawValue, alert.alertID])
            {
                return stored
            }
            try database.insert(
                into: "alert",
                [
                    "id": alert.id.rawValue, "partner_id": alert.partnerID.rawValue, "account_id": alert.accountID,
                    "alert_id": alert.alertID, "title": alert.title, "text": alert.text, "priority": alert.priority,
                    "status_code": alert.statusCode, "is_test": alert.isTest, "state": alert.state.rawValue,
                    "attempts": alert.attempts, "next_action_at": alert.nextActionAt?.milliseconds,
                    "message_id": alert.messageID, "ticket_id": alert.ticketID, "errors": try storable(alert.errors),
                    "created_at": alert.createdAt.milliseconds, "updated_at": alert.updatedAt.milliseconds,
                ])
            return try database.requiredAlert(alert.id)
        }
    }

    public func alert(_ id: AlertID) async throws(StoreError) -> Alert? {
        try await read { try $0.alert(id) }
    }

    public func alert(_ id: AlertID, of partner: PartnerID) async throws(StoreError) -> Alert? {
        try await read {
            try $0.fetchOne(Alert.self, "SELECT * FROM alert WHERE id = ? AND partner_id = ?", [id.rawValue, partner.rawValue])
        }
    }

    public func alerts(
        _ partner: PartnerID, before cursor: AlertID?, limit: Int
    ) async throws(StoreError) -> [Alert] {
        try await read { database in
            var arguments: StatementArguments = [partner.rawValue]
            if let cursor { arguments += [cursor.rawValue, partner.rawValue] }
            arguments += [max(0, limit)]
            return try database.fetchAll(Alert.self, Queries.alerts(isPaged: cursor != nil), arguments)
        }
    }

    public func dueAlerts(at instant: Date, limit: Int) async throws(StoreError) -> [Alert] {
        try await read { try $0.fetchAll(Alert.self, Queries.dueAlerts, [instant.milliseconds, max(0, limit)]) }
    }

    public func earliestAlertAction() async throws(StoreError) -> Date? {
        try await read { try $0.fetchInstant(Queries.earliestAlertAction).map { Date(milliseconds: $0) } }
    }

    @discardableResult
    public func updateAlert(
        _ id: AlertID, _ change: @escaping @Sendable (inout Alert) -> Void
    ) async throws(StoreError) -> Alert {
        try await write { database in
            var alert = try database.requiredAlert(id)
            change(&alert)
            // What the alert says, and to whom, is as it was first accepted.
            try database.update(
                "alert",
                [
                    "state": alert.state.rawValue, "attempts": alert.attempts,
                    "next_action_at": alert.nextActionAt?.milliseconds, "message_id": alert.messageID,
                    "ticket_id": alert.ticketID, "errors": try storable(alert.errors),
                    "updated_at": alert.updatedAt.milliseconds,
                ], where: "id", is: id.rawValue)
            return try database.requiredAlert(id)
        }
    }
}

extension Queries {
    /// Arguments: partner, the cursor's id and the partner again when paged, limit.
    static func alerts(isPaged: Bool) -> String {
        let page = isPaged ? "AND (created_at, sequence) < (SELECT created_at, sequence FROM alert WHERE id = ? AND partner_id = ?)" : ""
        return "SELECT * FROM alert WHERE partner_id = ? \(page) ORDER BY created_at DESC, sequence DESC LIMIT ?"
    }

    /// Arguments: instant, limit.
    static let dueAlerts = "SELECT * FROM alert WHERE next_action_at <= ? ORDER BY next_action_at, sequence LIMIT ?"
    static let earliestAlertAction = "SELECT MIN(next_action_at) FROM alert WHERE next_action_at IS NOT NULL"
}

extension Database {
    fileprivate func alert(_ id: AlertID) throws -> Alert? {
        try fetchOne(Alert.self, "SELECT * FROM alert WHERE id = ?", [id.rawValue])
    }

    fileprivate func requiredAlert(_ id: AlertID) throws -> Alert {
        guard let alert = try alert(id) else { throw StoreError.notFound("alert", id) }
        return alert
    }
}

extension Alert: StoredRecord {
    static let table = "alert"
    static let key = ["id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            id: AlertID(try row.text("id")), partnerID: PartnerID(try row.text("partner_id")),
            accountID: try row.text("account_id"), alertID: try row.text("alert_id"), title: try row.text("title"),
            text: try row.text("text"), priority: try row.integer("priority"), statusCode: try row.integer("status_code"),
            isTest: try row.flag("is_test"), createdAt: try row.instant("created_at"))
        state = try row.word("state")
        attempts = try row.integer("attempts")
        nextActionAt = try row.optionalInstant("next_action_at")
        messageID = try row.optionalText("message_id")
        ticketID = try row.optionalText("ticket_id")
        errors = try row.json("errors")
        updatedAt = try row.instant("updated_at")
    }
}
