import Foundation
import Store

extension MemoryStore {
    public func insertAlert(_ alert: Alert) throws(StoreError) -> Alert {
        try access { database throws(StoreError) in
            if let number = database.alertNumbersByAlertID[alert.partnerID]?[alert.alertID] { return database.alerts[number] }
            var stored = try alert.stored()
            stored.createdAt = alert.createdAt.stored
            guard database.alertNumbers[alert.id] == nil else { throw .duplicate("such alert") }
            try database.requirePartner(alert.partnerID)
            database.insert(stored)
            return stored
        }
    }

    public func alert(_ id: AlertID) throws(StoreError) -> Alert? {
        try access { database throws(StoreError) in database.alertNumbers[id].map { database.alerts[$0] } }
    }

    public func alert(_ id: AlertID, of partner: PartnerID) throws(StoreError) -> Alert? {
        try alert(id).flatMap { $0.partnerID == partner ? $0 : nil }
    }

    public func alerts(_ partner: PartnerID, before cursor: AlertID?, limit: Int) throws(StoreError) -> [Alert] {
        try access { database throws(StoreError) in
            let history = database.alertHistory[partner] ?? []
            var end = history.count
            if let cursor {
                guard let number = database.alertNumbers[cursor], database.alerts[number].partnerID == partner else { return [] }
                let place = Due(at: database.alerts[number].createdAt, id: number)
                end = history.bisect { $0 < place }
            }
            return history[..<end].suffix(max(0, limit)).reversed().map { database.alerts[$0.id] }
        }
    }

    public func dueAlerts(at instant: Date, limit: Int) throws(StoreError) -> [Alert] {
        try access { database throws(StoreError) in
            let instant = instant.stored
            return database.dueAlerts.prefix(max(0, limit)).prefix { $0.at <= instant }.map { database.alerts[$0.id] }
        }
    }

    public func earliestAlertAction() throws(StoreError) -> Date? {
        try access { database throws(StoreError) in database.dueAlerts.first?.at }
    }

    @discardableResult
    public func updateAlert(
        _ id: AlertID, _ change: @escaping @Sendable (inout Alert) -> Void
    ) throws(StoreError) -> Alert {
        try access { database throws(StoreError) in
            guard let number = database.alertNumbers[id] else { throw .notFound("alert", id) }
            let old = database.alerts[number]
            var changed = old
            change(&changed)
            // What the alert says, and to whom, is as it was first accepted.
            var alert = old
            alert.state = changed.state
            alert.attempts = changed.attempts
            alert.nextActionAt = changed.nextActionAt
            alert.messageID = changed.messageID
            alert.ticketID = changed.ticketID
            alert.errors = changed.errors
            alert.updatedAt = changed.updatedAt
            let stored = try alert.stored()
            if let next = old.nextActionAt { database.dueAlerts.removeSorted(Due(at: next, id: number)) }
            database.alerts[number] = stored
            if let next = stored.nextActionAt { database.dueAlerts.insertSorted(Due(at: next, id: number)) }
            return stored
        }
    }
}

extension MemoryDatabase {
    fileprivate mutating func insert(_ alert: Alert) {
        let number = alerts.count
        alerts.append(alert)
        alertNumbers[alert.id] = number
        alertNumbersByAlertID[alert.partnerID, default: [:]][alert.alertID] = number
        alertHistory[alert.partnerID, default: []].insertSorted(Due(at: alert.createdAt, id: number))
        if let next = alert.nextActionAt { dueAlerts.insertSorted(Due(at: next, id: number)) }
    }
}

extension Alert {
    fileprivate func stored() throws(StoreError) -> Alert {
        try StoreError.require((1...4).contains(priority), "a priority is 1 to 4")
        try StoreError.require((1...6).contains(statusCode), "a status code is 1 to 6")
        try StoreError.require(attempts >= 0, "attempts are not negative")
        try StoreError.require((nextActionAt == nil) == state.isFinal, "a next action exactly when not final")
        var stored = self
        stored.nextActionAt = nextActionAt?.stored
        stored.updatedAt = updatedAt.stored
        return stored
    }
}
