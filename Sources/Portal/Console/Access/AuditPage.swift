import HTTPServer
import Store

/// `GET /console/audit`: who did what, newest first.
struct AuditView: Sendable {
    struct Row: Sendable, Hashable {
        var at: TimeView
        var actor: String
        var action: String
        var partnerID: String
        var address: String
        var details: String

        /// - Parameter operators: names by actor.
        init(_ entry: AuditEntry, operators: [String: String]) {
            at = TimeView(entry.at, LocalTime(zoneName: "UTC"))
            actor = operators[entry.actor] ?? entry.actor
            action = entry.action
            partnerID = entry.partnerID?.rawValue ?? ""
            address = entry.address ?? ""
            details = entry.details
        }
    }

    var frame: ConsoleFrame
    /// Only entries of this partner; empty for all.
    var partnerID: String
    var hasRows: Bool
    var rows: [Row]
    /// The last entry shown, for the link to older ones; empty when there are none.
    var olderBefore: String
}

extension Console {
    private static let entriesPerPage = 100

    static let auditRoutes: [ConsoleRoute] = [
        .page("/console/audit", .viewer) { visit in
            let partner = visit.request.query["partner"].flatMap { $0.isEmpty ? nil : PartnerID($0) }
            let entries = try await visit.environment.store.auditEntries(
                partner: partner, before: visit.request.query["before"].flatMap { Int($0) }, limit: entriesPerPage + 1)
            let shown = entries.prefix(entriesPerPage)
            let keys = try await visit.environment.store.operatorKeys()
            let operators = Dictionary(uniqueKeysWithValues: keys.map { ("operator:\($0.id)", "Operator \($0.name)") })
            return visit.page(
                "console-audit",
                AuditView(
                    frame: visit.frame("Audit trail", .audit), partnerID: partner?.rawValue ?? "", hasRows: !shown.isEmpty,
                    rows: shown.map { AuditView.Row($0, operators: operators) },
                    olderBefore: entries.count > entriesPerPage ? shown.last.map { String($0.sequence) } ?? "" : ""))
        },
        .page("/console/audit.csv", .viewer) { visit in AuditExport(visit.environment.store).response(.csv) },
        .page("/console/audit.json", .viewer) { visit in AuditExport(visit.environment.store).response(.json) },
    ]
}
