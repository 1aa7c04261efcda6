import Foundation
import HTTPTypes

// L1, L2: the alert queue.

extension SandboxModel {
    mutating func createAlert(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        let position = try context.organization
        var fields = FieldReader(try context.content, settings: settings)
        let title = fields.text("title")
        let description = fields.text("description")
        let alertID = fields.identifier("alertId")
        // "Required" and "default 1" at once in the documents (U-20).
        let fallback = settings.strictAlertFields ? nil : 1
        let priority = fields.wholeNumber("priority", in: 1...4, fallback: fallback)
        let status = fields.wholeNumber("status", in: 1...6, fallback: fallback)
        let dueDateTime = fields.optionalText("dueDateTime")
        if let dueDateTime, !isISO8601(dueDateTime) { fields.note("dueDateTime", "must be an ISO 8601 date") }
        let serviceID = fields.optionalIdentifier("serviceId")
        try fields.check()

        let client = organizations[position].mappedClient(ofAccountID: context.parameter)
        if client == nil, !settings.queueUnmappedAlerts { throw .noAccountMap(id: context.parameter) }

        let earlier = organizations[position].alerts.ticket(ofAlertID: alertID)
        let alert = Alert(
            messageID: identifiers.uuid(), correlationID: identifiers.objectID(at: context.now), alertID: alertID,
            accountID: context.parameter, clientID: client, title: title, description: description, priority: priority,
            status: status, dueDateTime: dueDateTime, serviceID: serviceID, acceptedAt: context.now,
            readyAt: context.now.addingTimeInterval(Double(settings.ticketDelayMilliseconds) / 1000),
            outcome: outcome(position, isMapped: client != nil, accountID: context.parameter, earlierTicket: earlier),
            repeatOf: earlier)
        organizations[position].alerts.append(alert)
        organizations[position].status = .active
        return .json(
            [
                "messageId": .string(alert.messageID), "alertId": .string(alertID),
                "correlationID": .string(alert.correlationID),
            ], status: .created)
    }

    private mutating func outcome(
        _ position: Int, isMapped: Bool, accountID: String, earlierTicket: Int?
    ) -> Alert.Outcome {
        guard isMapped else { return .failure(statusCode: 404, message: "No account map found with id: \(accountID)") }
        if settings.failTickets { return .failure(statusCode: 422, message: "The PSA refused the ticket (simulated text)") }
        if settings.updateRepeatedAlerts, let earlierTicket { return .ticket(earlierTicket) }
        return .ticket(organizations[position].alerts.nextTicketNumber())
    }

    /// `pending` until the ticket delay is over (U-23).
    func getAlert(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        guard let alert = organizations[try context.organization].alerts[context.parameter] else {
            throw .simulatedNotFound("No message found with id: \(context.parameter)")
        }
        return .json(alert.debugJSON(at: context.now))
    }

    /// With or without fraction and zone, or a date alone.
    private func isISO8601(_ text: String) -> Bool {
        let styles = [
            Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true),
            Date.ISO8601FormatStyle().year().month().day(),
            Date.ISO8601FormatStyle().year().month().day().time(includingFractionalSeconds: false),
            Date.ISO8601FormatStyle().year().month().day().time(includingFractionalSeconds: true),
        ]
        // What a style cannot read, another may.
        return styles.contains { (try? $0.parse(text)) != nil }
    }
}

extension Alert {
    /// Contract L2. `ticketId`, `statusCode` and `errors` only where there is something to say.
    func debugJSON(at now: Date) -> JSONValue {
        var message = "The alert is waiting to be written to the PSA."
        var statusCode: JSONValue?
        var errors: JSONValue?
        let ticket = ticketNumber(at: now)
        if let ticket {
            message = "Ticket \(ticket) was written to the PSA."
        } else if now >= readyAt, case .failure(let code, let text) = outcome {
            message = "The ticket could not be written to the PSA."
            statusCode = .number(Double(code))
            errors = [.string(text)]
        }
        return .object(present: [
            "ticketId": ticket.map { .string(String($0)) }, "createdAt": .string(acceptedAt.wireText),
            "message": .string(message), "messageId": .string(messageID), "status": .string(state(at: now)),
            "statusCode": statusCode, "errors": errors,
        ])
    }
}
