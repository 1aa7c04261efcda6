import Foundation
import Store

/// An alert on its way to a ticket.
struct AlertAnswer: Encodable, Sendable {
    var id: AlertID
    var partnerId: PartnerID
    /// The vendor's own stable id.
    var alertId: String
    var accountId: String
    var title: String
    var description: String
    var priority: Int
    var status: Int
    var isTest: Bool
    var state: AlertState
    var attempts: Int
    @OrNull var messageId: String?
    @OrNull var ticketId: String?
    var errors: [String]
    @OrNull var nextActionAt: Date?
    var createdAt: Date
    var updatedAt: Date

    init(_ alert: Alert) {
        id = alert.id
        partnerId = alert.partnerID
        alertId = alert.alertID
        accountId = alert.accountID
        title = alert.title
        description = alert.text
        priority = alert.priority
        status = alert.statusCode
        isTest = alert.isTest
        state = alert.state
        attempts = alert.attempts
        messageId = alert.messageID
        ticketId = alert.ticketID
        errors = alert.errors
        nextActionAt = alert.nextActionAt
        createdAt = alert.createdAt
        updatedAt = alert.updatedAt
    }
}
