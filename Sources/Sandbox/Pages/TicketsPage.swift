import Foundation
import HTTPServer

/// Alerts as they were accepted, with the PSA tickets they led to.
struct TicketsPage {
    let organization: Organization
    let now: Date

    var response: Response {
        PageLayout(title: "Tickets", organization: (organization.id, organization.name, .tickets)).response(content)
    }

    private var content: HTML {
        let alerts = organization.alerts.alerts
        guard !alerts.isEmpty else { return "<p>No alerts have arrived yet.</p>" }
        return """
            <form method="get" action="/organizations/\(organization.id)/tickets"><p><button class="quiet">Refresh</button></p></form>
            <section class="card"><table><caption>Alerts, newest first</caption>
            <thead><tr><th scope="col">Alert</th><th scope="col">PSA client</th><th scope="col">Priority</th>
            <th scope="col">State</th><th scope="col">Ticket</th></tr></thead>
            <tbody>
            \(alerts.reversed().map(row))</tbody></table></section>
            """
    }

    private func row(_ alert: Alert) -> HTML {
        let tone =
            switch alert.state(at: now) {
            case "success": "good"
            case "failed": "bad"
            default: "warn"
            }
        var reason = HTML.none
        if alert.state(at: now) == "failed", case .failure(_, let message) = alert.outcome {
            reason = "<br><span class=\"soft\">\(message)</span>"
        }
        let repeated: HTML = alert.repeatOf.map { "<br><span class=\"soft\">same alert as ticket \($0)</span>" } ?? .none
        let client = alert.clientID.flatMap(organization.client)?.name
        return """
            <tr><td><strong>\(alert.title)</strong><br>\(alert.description)<br><span class="soft">\(alert.alertID),
            \(pageText(alert.acceptedAt))</span></td><td data-label="PSA client">\(client ?? "account \(alert.accountID)")</td>
            <td data-label="Priority">\(["low", "medium", "high", "very high"][alert.priority - 1])</td>
            <td data-label="State"><span class="badge \(tone)">\(alert.state(at: now))</span>\(reason)</td>
            <td data-label="Ticket">\(alert.ticketNumber(at: now).map { String($0) } ?? "–")\(repeated)</td></tr>

            """
    }
}
