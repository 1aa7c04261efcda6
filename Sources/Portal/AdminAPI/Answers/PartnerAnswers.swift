import Foundation
import Integration
import Store

/// A partner, with what tells whether all is well.
struct PartnerAnswer: Encodable, Sendable {
    var id: PartnerID
    var vendorReference: String
    var name: String
    var timeZone: String
    var createdAt: Date
    var standing: String
    @OrNull var lastSuccessAt: Date?
    @OrNull var nextRunAt: Date?
    /// The last ended sync.
    @OrNull var lastRun: SyncRunAnswer?

    init(_ summary: PartnerSummary) {
        self.init(
            summary.partner, summary.standing, lastSuccessAt: summary.lastSuccessAt, schedule: summary.schedule,
            lastRun: summary.lastRun)
    }

    init(_ overview: PartnerOverview) {
        self.init(
            overview.partner, overview.standing,
            lastSuccessAt: overview.history.first { $0.state == .succeeded }?.finishedAt, schedule: overview.schedule,
            lastRun: overview.lastRun)
    }

    private init(
        _ partner: Partner, _ standing: ConnectionStanding, lastSuccessAt: Date?, schedule: Schedule?, lastRun: SyncRun?
    ) {
        id = partner.id
        vendorReference = partner.vendorReference
        name = partner.name
        timeZone = partner.timeZone
        createdAt = partner.createdAt
        self.standing = standing.word
        self.lastSuccessAt = lastSuccessAt
        nextRunAt = schedule?.nextRunAt
        self.lastRun = lastRun.map(SyncRunAnswer.init)
    }
}

/// A partner's connection. The key itself never leaves; its last four characters do.
struct ConnectionAnswer: Encodable, Sendable {
    struct Organization: Encodable, Sendable {
        var id: String
        @OrNull var name: String?
    }

    /// What the connector asks of the partner, and whether it is stored.
    struct Field: Encodable, Sendable {
        var name: String
        var label: String
        var isSecret: Bool
        var isStored: Bool
        @OrNull var value: String?
    }

    var partnerId: PartnerID
    var standing: String
    @OrNull var failure: FailureAnswer?
    var state: ConnectionState
    var since: Date
    @OrNull var reason: String?
    @OrNull var reportedStatus: String?
    @OrNull var statusReadAt: Date?
    @OrNull var organization: Organization?
    @OrNull var keyLastFour: String?
    @OrNull var keySavedAt: Date?
    @OrNull var mappingLostAt: Date?
    var fields: [Field]

    init(_ overview: PartnerOverview) {
        let connection = overview.connection
        partnerId = connection.partnerID
        standing = overview.standing.word
        failure = overview.standing.failure.map(FailureAnswer.init)
        state = connection.state
        since = connection.stateSince
        reason = connection.stateReason
        reportedStatus = connection.reportedStatus
        statusReadAt = connection.statusReadAt
        organization = connection.organizationID.map { Organization(id: $0, name: connection.organizationName) }
        keyLastFour = connection.keyLastFour
        keySavedAt = connection.keySavedAt
        mappingLostAt = connection.mappingLostAt
        fields = overview.fields.map {
            Field(
                name: $0.field.name, label: $0.field.label, isSecret: $0.field.isSecret, isStored: $0.isStored,
                value: $0.field.isSecret ? nil : $0.shownValue)
        }
    }
}

/// A connection after Disable.
struct DisabledAnswer: Encodable, Sendable {
    var connection: ConnectionAnswer
    /// What the person should know, for instance that Synthesize could not be told.
    @OrNull var remark: String?
}

struct FailureAnswer: Encodable, Sendable {
    var code: String
    var message: String

    init(_ failure: RunFailure) {
        code = failure.code
        message = failure.message
    }
}

extension ConnectionStanding {
    /// One stable word for programs.
    var word: String {
        switch self {
        case .notConnected: "notConnected"
        case .connecting: "connecting"
        case .connectFailed: "connectFailed"
        case .pendingMapping: "pendingMapping"
        case .active: "active"
        case .other: "other"
        case .needsNewKey: "needsNewKey"
        case .disabled: "disabled"
        }
    }

    var failure: RunFailure? {
        if case .connectFailed(let failure) = self { failure } else { nil }
    }
}

/// A partner's schedule.
struct ScheduleAnswer: Encodable, Sendable {
    var partnerId: PartnerID
    var cadence: Cadence
    /// 1 Monday to 7 Sunday.
    var weekday: Int
    var dayOfMonth: Int
    /// `HH:MM` in the time zone.
    var time: String
    var timeZone: String
    var isActive: Bool
    @OrNull var nextRunAt: Date?

    init(_ schedule: Schedule, timeZone: String) {
        partnerId = schedule.partnerID
        cadence = schedule.cadence
        weekday = schedule.weekday
        dayOfMonth = schedule.dayOfMonth
        time = TimeOfDay.text(minute: schedule.minuteOfDay)
        self.timeZone = timeZone
        isActive = schedule.isActive
        nextRunAt = schedule.nextRunAt
    }
}

/// `HH:MM`, 24 hours.
enum TimeOfDay {
    static func text(minute: Int) -> String {
        let digits = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        return digits(minute / 60) + ":" + digits(minute % 60)
    }

    /// Minutes after midnight; nil for anything but `00:00` to `23:59`.
    static func minute(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
        let digits = [bytes[0], bytes[1], bytes[3], bytes[4]].map { Int($0) - 48 }
        guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        return hour < 24 && minute < 60 ? hour * 60 + minute : nil
    }
}
