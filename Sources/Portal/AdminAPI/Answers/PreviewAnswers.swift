import Foundation
import Integration
import Store

/// What a sync would send, without its lines, which follow in the same object.
struct PreviewAnswer: Encodable, Sendable {
    var partnerId: PartnerID
    var readAt: Date
    var accountsRead: Int
    var recordsDropped: Int
    /// Why the sync would be held.
    @OrNull var hold: FailureAnswer?
    var tally: PreviewTallyAnswer

    init(_ preview: UsagePreview, of partner: PartnerID) {
        partnerId = partner
        readAt = preview.readAt
        accountsRead = preview.accountsRead
        recordsDropped = preview.recordsDropped
        hold = preview.hold.map(FailureAnswer.init)
        tally = PreviewTallyAnswer(preview)
    }
}

/// Lines by how they differ from what was last accepted, and units.
struct PreviewTallyAnswer: Encodable, Sendable {
    var new, changed, unchanged, dropped, excluded, toSend: Int
    var unitsBefore, unitsNow: Decimal

    init(_ preview: UsagePreview) {
        new = preview.count(.new)
        changed = preview.count(.changed)
        unchanged = preview.count(.unchanged)
        dropped = preview.count(.dropped)
        excluded = preview.count(.excluded)
        toSend = preview.linesToSend
        unitsBefore = preview.unitsBefore
        unitsNow = preview.unitsNow
    }
}

/// One line of a preview.
struct PreviewLineAnswer: Encodable, Sendable {
    var accountId: String
    var accountName: String
    @OrNull var serviceId: String?
    var serviceName: String
    @OrNull var basis: BasisAnswer?
    @OrNull var lastCount: Decimal?
    var rawCount: Decimal
    @OrNull var sentCount: Decimal?
    var change: UsagePreview.Change
    @OrNull var message: String?

    init(_ line: UsagePreview.Line) {
        accountId = line.accountID
        accountName = line.accountName
        serviceId = line.serviceID
        serviceName = line.serviceName
        basis = line.basis.map(BasisAnswer.init)
        lastCount = line.lastCount
        rawCount = line.rawCount
        sentCount = line.sentCount
        change = line.change
        message = line.message
    }
}
