import Foundation
import HTTPServer
import Integration
import Store

/// `GET /console`: all partners, those first that need someone.
struct PartnerListView: Sendable {
    var frame: ConsoleFrame
    /// "3 of 120 partners need attention".
    var summary: String
    var search: String
    var rows: [Row]
    /// The query of the next page; empty on the last.
    var nextQuery: String
    var canAdd: Bool

    struct Row: Sendable, Hashable {
        var id: String
        var name: String
        var reference: String
        var badge: BadgeView
        /// How the last run ended, when that needs attention.
        var runBadge: BadgeView?
        var runID: String
        /// "For 12 d 3 h." without a key that works, or how often automatic syncs have failed; empty when neither.
        var remark: String
        /// "2 h 5 min ago", "never".
        var lastSuccess: String
        var notMapped: String
        var nextRun: TimeView?
    }

    static let rowsPerPage = 100

    /// - Parameter page: from 1.
    init(_ partners: [PartnerSummary], search: String, page: Int, at now: Date, frame: ConsoleFrame, canAdd: Bool) {
        self.frame = frame
        self.search = search
        self.canAdd = canAdd
        summary = Self.summary(partners)
        let found = Self.ordered(partners.filter { Self.matches($0.partner, search) })
        let shown = found.dropFirst((page - 1) * Self.rowsPerPage)
        rows = shown.prefix(Self.rowsPerPage).map { Row($0, at: now) }
        nextQuery = ""
        if shown.count > Self.rowsPerPage {
            var query = URLComponents()
            query.queryItems = [URLQueryItem(name: "page", value: "\(page + 1)")]
            if !search.isEmpty { query.queryItems?.append(URLQueryItem(name: "search", value: search)) }
            nextQuery = query.string ?? ""
        }
    }

    private static func summary(_ partners: [PartnerSummary]) -> String {
        guard !partners.isEmpty else { return "There is no partner yet." }
        let needing = partners.count { PartnerHealth($0).needsAttention }
        let verb = needing == 1 ? "needs" : "need"
        return "\(Wording.number(needing)) of \(Wording.count(partners.count, "partner")) \(verb) attention."
    }

    /// By health, then by name.
    static func ordered(_ partners: [PartnerSummary]) -> [PartnerSummary] {
        partners.map { (health: PartnerHealth($0), name: $0.partner.name.lowercased(), summary: $0) }
            .sorted { left, right in
                (left.health, left.name, left.summary.partner.id.rawValue)
                    < (right.health, right.name, right.summary.partner.id.rawValue)
            }
            .map(\.summary)
    }

    private static func matches(_ partner: Partner, _ search: String) -> Bool {
        search.isEmpty || partner.name.localizedCaseInsensitiveContains(search)
            || partner.vendorReference.localizedCaseInsensitiveContains(search) || partner.id.rawValue == search
    }
}

extension PartnerListView.Row {
    init(_ summary: PartnerSummary, at now: Date) {
        id = summary.partner.id.rawValue
        name = summary.partner.name
        reference = summary.partner.vendorReference
        badge = BadgeView(summary.standing)
        runID = summary.lastRun?.id.rawValue ?? ""
        switch PartnerHealth(summary) {
        case .held, .lastRunFailed, .lastRunPartial: runBadge = summary.lastRun.map { BadgeView($0.state) }
        default: runBadge = nil
        }
        if summary.standing == .needsNewKey {
            remark = "For \(Wording.duration(now.timeIntervalSince(summary.connection.stateSince)))."
        } else if summary.connection.state == .connected, let failing = summary.failingSchedule {
            remark = "Automatic syncs failed \(Wording.number(failing.streak.failures)) times."
        } else {
            remark = ""
        }
        lastSuccess = summary.lastSuccessAt.map { Wording.duration(now.timeIntervalSince($0)) + " ago" } ?? "never"
        notMapped = summary.lastRun.map { Wording.number($0.tally.notMapped) } ?? "–"
        nextRun = summary.schedule?.nextRunAt.map { TimeView($0, LocalTime(zoneName: "UTC")) }
    }
}

extension ConsoleVisit {
    /// Every partner: the order by health needs them all. A few short reads a partner.
    func allPartners() async throws(IntegrationError) -> [PartnerSummary] {
        var partners: [PartnerSummary] = []
        while true {
            let page = try await desk.partners(after: partners.last?.partner.id, limit: 200)
            if page.isEmpty { return partners }
            partners += page
        }
    }

    func partnerList() async throws -> Response {
        let view = PartnerListView(
            try await allPartners(), search: request.query["search"] ?? "",
            page: min(max(request.query["page"].flatMap { Int($0) } ?? 1, 1), 1_000_000), at: environment.time.now(),
            frame: frame("Partners", .partners), canAdd: mayAct(as: .operator))
        return page("console-partners", view)
    }
}
