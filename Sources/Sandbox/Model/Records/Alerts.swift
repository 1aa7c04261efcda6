import Foundation

/// An alert as accepted by L1, and what becomes of it.
public struct Alert: Sendable {
    public enum Outcome: Sendable, Equatable {
        /// A PSA ticket of this number.
        case ticket(Int)
        /// The PSA refused, with its HTTP status.
        case failure(statusCode: Int, message: String)
    }

    public let messageID: String
    public let correlationID: String
    /// The vendor's id of the alert.
    public let alertID: String
    /// The vendor's id of the account, as sent.
    public let accountID: String
    public let clientID: String?
    public let title: String
    public let description: String
    /// 1 low to 4 very high.
    public let priority: Int
    /// 1 to 6, meanings unpublished (U-20).
    public let status: Int
    public let dueDateTime: String?
    public let serviceID: String?
    public let acceptedAt: Date
    /// When the outcome becomes visible.
    public let readyAt: Date
    public let outcome: Outcome
    /// Ticket number of an earlier alert with the same `alertId` (U-21).
    public let repeatOf: Int?

    /// `pending`, `success` or `failed`, as L2 says it.
    public func state(at now: Date) -> String {
        guard now >= readyAt else { return "pending" }
        if case .ticket = outcome { return "success" }
        return "failed"
    }

    /// Nil while the ticket is not written yet, or never will be.
    public func ticketNumber(at now: Date) -> Int? {
        guard now >= readyAt, case .ticket(let number) = outcome else { return nil }
        return number
    }
}

/// A ticket in the partner's PSA.
public struct Ticket: Sendable {
    public let number: Int
    /// The alert whose text the ticket shows: the first, or the last that updated it.
    public internal(set) var alert: Alert
    public let openedAt: Date
    /// How often a repeated alert rewrote it (U-21).
    public internal(set) var updates = 0
}

extension Organization {
    /// Every accepted alert, oldest first.
    public var acceptedAlerts: [Alert] { alerts.alerts }

    /// The PSA tickets written by now.
    public func tickets(at now: Date) -> [Ticket] { alerts.tickets(at: now) }
}

/// The alerts of one organization, with the tickets they lead to.
struct AlertQueue: Sendable {
    private(set) var alerts: [Alert] = []
    private var positions: [String: Int] = [:]
    private var ticketsByAlertID: [WireText: Int] = [:]
    /// The first ticket a believable PSA would give today is not number 1.
    private var lastTicketNumber = 10_400

    subscript(messageID: String) -> Alert? { positions[messageID].map { alerts[$0] } }

    /// The ticket an earlier alert of that id led to.
    func ticket(ofAlertID id: String) -> Int? { ticketsByAlertID[WireText(id)] }

    mutating func nextTicketNumber() -> Int {
        lastTicketNumber += 1
        return lastTicketNumber
    }

    mutating func append(_ alert: Alert) {
        positions[alert.messageID] = alerts.count
        alerts.append(alert)
        if case .ticket(let number) = alert.outcome { ticketsByAlertID[WireText(alert.alertID)] = number }
    }

    /// The tickets written by now, in the order they were opened.
    func tickets(at now: Date) -> [Ticket] {
        var tickets: [Ticket] = []
        var positions: [Int: Int] = [:]
        for alert in alerts {
            guard let number = alert.ticketNumber(at: now) else { continue }
            if let position = positions[number] {
                tickets[position].alert = alert
                tickets[position].updates += 1
            } else {
                positions[number] = tickets.count
                tickets.append(Ticket(number: number, alert: alert, openedAt: alert.readyAt))
            }
        }
        return tickets
    }
}
