import Foundation
import Integration
import Store

/// What a partner page shows besides what is stored.
struct PageOccasion: Sendable {
    var csrf: String
    var notice: Notice?
    /// Why the last thing asked for was not done, when it belongs to no form.
    var error: IntegrationError?
    var connectAttempt: ConnectAttempt?
    var scheduleAttempt: ScheduleAttempt?
}

/// The whole partner page, top to bottom (design section 7).
struct PartnerPageView: Sendable, Hashable {
    var frame: PageFrame
    var csrf: String
    var product: String
    var partnerName: String
    var zoneName: String
    var notice: String
    var pageError: String
    var connection: ConnectionCardView
    var canEnable: Bool
    var connectForm: ConnectFormView?
    /// Nil before the first connect.
    var sync: SyncPanelView?
    var toDo: ToDoListView?
    var zeros: ZerosView?
    var schedule: ScheduleFormView?
    var chart: UsageChartView?
    var history: HistoryView?
    var testAlert: TestAlertView?
    var canDisable: Bool
    var canForgetKey: Bool
    /// A run, a connect job or an alert is under way, so the page changes by itself.
    var isLive: Bool
    /// The run to follow; empty when there is none.
    var followedRunID: String

    init(_ overview: PartnerOverview, _ occasion: PageOccasion, settings: PortalSettings) {
        let time = LocalTime(zoneName: overview.partner.timeZone)
        let mappingURL = Self.mappingURL(settings.mappingURL, organization: overview.connection.organizationID)
        let state = overview.connection.state
        let followed = overview.activeRun ?? overview.connectJob.flatMap { $0.state.isActive ? $0 : nil }
        csrf = occasion.csrf
        product = overview.productName
        partnerName = overview.partner.name
        zoneName = time.zoneName
        notice = occasion.notice?.text ?? ""
        pageError = occasion.error?.message ?? ""
        connection = ConnectionCardView(overview, time: time, mappingURL: mappingURL)
        canEnable = state == .disabled
        connectForm = ConnectFormView(overview, attempt: occasion.connectAttempt)
        sync =
            state == .connected || overview.lastRun != nil || overview.activeRun != nil
            ? SyncPanelView(overview, time: time) : nil
        toDo = ToDoListView(overview.notMapped, mappingURL: mappingURL)
        zeros = ZerosView(overview.droppedToZero, canSend: sync?.canStart ?? false)
        schedule = ScheduleFormView(overview, attempt: occasion.scheduleAttempt, time: time)
        chart = UsageChartView(overview.totals, time: time)
        history = HistoryView(
            Array(overview.history.prefix(Self.historyRows)), hasMore: overview.history.count > Self.historyRows, time: time)
        testAlert = TestAlertView(overview, time: time)
        canDisable = state == .connected
        canForgetKey = state == .disabled || state == .needsNewKey
        isLive = followed != nil || (testAlert?.way?.isUnderWay ?? false)
        followedRunID = followed?.id.rawValue ?? ""
        frame = PageFrame(
            title: "\(overview.productName) and Synthesize", product: overview.productName,
            partnerName: overview.partner.name, csrf: occasion.csrf, refreshes: isLive, version: settings.version)
    }

    /// Takes away what would change something: for a partner's user who may only look.
    mutating func showOnly() {
        canEnable = false
        canDisable = false
        canForgetKey = false
        connectForm = nil
        sync?.canStart = false
        zeros?.canSend = false
        testAlert?.canSend = false
        schedule?.canSave = false
    }

    private static let historyRows = 10
    /// RFC 3986 section 2.3.
    private static let unreserved = CharacterSet(
        charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")

    /// Empty when no such page is configured, or it needs an organization and none is known.
    static func mappingURL(_ template: String, organization: String?) -> String {
        let placeholder = "{organizationId}"
        guard template.contains(placeholder) else { return template }
        guard let organization,
            let escaped = organization.addingPercentEncoding(withAllowedCharacters: unreserved)
        else { return "" }
        return template.replacing(placeholder, with: escaped)
    }
}
