import Foundation
import Integration
import Store

/// What a sync would do, for the partner page and the console.
struct PreviewView: Sendable, Hashable {
    struct Row: Sendable, Hashable {
        var account: String
        var accountID: String
        var service: String
        /// What was counted.
        var basis: String
        /// What Synthesize last accepted; empty where that is the same as now.
        var before: String
        var now: String
        var badge: BadgeView
        var remark: String
    }

    var readAt: TimeView
    /// What would happen, in one sentence.
    var headline: String
    /// Why a sync would be held; empty when it would go on.
    var hold: String
    var facts: [ConnectionCardView.FactView]
    /// Further sentences.
    var remarks: [String]
    var rows: [Row]
    /// How many lines are not shown; empty when all are.
    var moreText: String

    /// A page of more rows is slow to draw, and nobody reads it.
    static let rowsShown = 500

    init(_ preview: UsagePreview, time: LocalTime) {
        readAt = TimeView(preview.readAt, time)
        let toSend = preview.linesToSend
        let differing = preview.lines.count { $0.sentCount != nil && $0.change != .unchanged }
        headline =
            if preview.hold != nil {
                "A sync now would be held for an operator, and nothing would be sent."
            } else if toSend == 0 {
                "A sync now would send no counts."
            } else {
                "A sync now would send \(Wording.count(toSend, "count")); \(Self.differing(differing)) from what Synthesize last accepted."
            }
        hold = preview.hold?.message ?? ""
        facts = UsagePreview.Change.allCases.map { change in
            ConnectionCardView.FactView(label: BadgeView(change).word, value: Wording.number(preview.count(change)), remark: "")
        }
        facts.append(
            ConnectionCardView.FactView(
                label: "Units", value: "\(Wording.number(preview.unitsBefore)) → \(Wording.number(preview.unitsNow))", remark: ""))
        remarks = []
        let unsentDrops = preview.lines.count { $0.change == .dropped && $0.sentCount == nil }
        if unsentDrops > 0, preview.hold == nil {
            remarks.append(
                "\(Wording.count(unsentDrops, "count")) dropped to zero: a sync lists what dropped and does not send it; the zeros can be "
                    + "sent by hand afterwards.")
        }
        if preview.recordsDropped > 0 {
            remarks.append(
                "\(Wording.count(preview.recordsDropped, "record")) of the vendor lacked an id, a name or a count, or belonged to "
                    + "nothing known, and would be left out.")
        }
        // What differs comes first: it is what a preview is looked at for.
        let order: [UsagePreview.Change] = [.dropped, .changed, .new, .unchanged, .excluded]
        let shown = order.lazy.flatMap { change in preview.lines.lazy.filter { $0.change == change } }.prefix(Self.rowsShown)
        rows = shown.map { Row($0) }
        let more = preview.lines.count - rows.count
        moreText = more > 0 ? "\(Wording.count(more, "more count")) not shown." : ""
    }
}

extension PreviewView {
    private static func differing(_ count: Int) -> String {
        count == 0 ? "none differs" : count == 1 ? "1 of them differs" : "\(Wording.number(count)) of them differ"
    }
}

extension PreviewView.Row {
    init(_ line: UsagePreview.Line) {
        account = line.accountName
        accountID = line.accountID
        service = line.serviceName
        basis = line.basis.map(Wording.basis) ?? ""
        before = line.change == .unchanged ? "" : line.lastCount.map { Wording.number($0) } ?? "none"
        now = Wording.number(line.rawCount)
        badge = BadgeView(line.change)
        remark = line.message ?? (line.serviceID == nil ? "The service would be made first." : "")
    }
}

extension BadgeView {
    init(_ change: UsagePreview.Change) {
        switch change {
        case .new: self.init("New", .good)
        case .changed: self.init("Changed", .good)
        case .unchanged: self.init("Unchanged", .quiet)
        case .dropped: self.init("Dropped to zero", .waiting)
        case .excluded: self.init("Left out", .quiet)
        }
    }
}

/// The partner's page of a preview.
struct PreviewPageView: Sendable, Hashable {
    var frame: PageFrame
    var zoneName: String
    var preview: PreviewView
    /// Whether Sync Now is offered: a run may have begun meanwhile.
    var canStart: Bool

    init(_ overview: PartnerOverview, _ preview: UsagePreview, csrf: String, settings: PortalSettings) {
        let time = LocalTime(zoneName: overview.partner.timeZone)
        frame = PageFrame(
            title: "Preview of a sync", product: overview.productName, partnerName: overview.partner.name, csrf: csrf,
            version: settings.version)
        zoneName = time.zoneName
        self.preview = PreviewView(preview, time: time)
        canStart = SyncPanelView(overview, time: time).canStart
    }

    static let library = PageLibrary([
        "partner-preview": PackageResources.partner_preview_mustache,
        "preview": PackageResources.preview_mustache,
    ])
}
