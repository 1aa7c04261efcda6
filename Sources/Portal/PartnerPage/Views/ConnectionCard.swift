import Foundation
import Integration
import Store

/// The connection card: how the partner stands, since when, and what to do next.
struct ConnectionCardView: Sendable, Hashable {
    var badge: BadgeView
    var headline: String
    var paragraphs: [String]
    /// What to do, one after the other. Shown outside the card's status, which a screen reader repeats when it changes.
    var instructions: [String]
    /// Empty when there is nothing to open in Synthesize.
    var mappingURL: String
    /// Since when it is so; nil for a partner that has never connected.
    var since: TimeView?
    var facts: [FactView]
    /// When Synthesize was found to have lost its mapping; nil unless it was.
    var mappingLost: TimeView?
    /// The steps of the connect job; empty unless one is running or has failed.
    var jobSteps: [JobStepView]

    struct FactView: Sendable, Hashable {
        var label: String
        var value: String
        /// Small text after it.
        var remark: String
    }

    init(_ overview: PartnerOverview, time: LocalTime, mappingURL: String) {
        let connection = overview.connection
        let text = CardText(overview, time)
        badge = text.badge
        headline = text.headline
        paragraphs = text.paragraphs
        instructions = text.instructions
        self.mappingURL = text.linksToMapping ? mappingURL : ""
        since =
            overview.standing == .notConnected && connection.keySavedAt == nil
            ? nil : TimeView(connection.stateSince, time)
        facts = Self.facts(connection, time)
        mappingLost = connection.state == .connected ? connection.mappingLostAt.map { TimeView($0, time) } : nil
        jobSteps = JobStepView.steps(overview)
    }

    private static func facts(_ connection: Connection, _ time: LocalTime) -> [FactView] {
        guard connection.state != .notConnected else { return [] }
        var facts: [FactView] = []
        if let name = connection.organizationName {
            facts.append(FactView(label: "Organization", value: name, remark: ""))
        }
        if let lastFour = connection.keyLastFour {
            facts.append(
                FactView(
                    label: "Partner API key", value: lastFour.isEmpty ? "stored" : "ends in \(lastFour)",
                    remark: connection.keySavedAt.map { "saved \(time.dateAndTime($0))" } ?? ""))
        }
        if let status = connection.reportedStatus {
            facts.append(
                FactView(
                    label: "Status in Synthesize", value: status,
                    remark: connection.statusReadAt.map { "read \(time.dateAndTime($0))" } ?? ""))
        }
        return facts
    }
}

/// The words of the card.
private struct CardText {
    var badge: BadgeView
    var headline: String
    var paragraphs: [String] = []
    var instructions: [String] = []
    var linksToMapping = false

    init(_ overview: PartnerOverview, _ time: LocalTime) {
        let product = overview.productName
        let reason = overview.connection.stateReason
        switch overview.standing {
        case .notConnected:
            badge = BadgeView("Not connected", .quiet)
            headline = "Connect \(product) to Synthesize"
            paragraphs = [
                "Your customers, their services and their usage counts then reach Gradient's Synthesize (also called "
                    + "Reconcile) by themselves."
            ]
            instructions = [
                "In Synthesize, open Integrations, choose \(product) and generate a Partner API key.",
                "Paste the key below and press Connect.",
                "Go back to Synthesize, press Next and map your accounts and services.",
                "Come back here and press Sync Now.",
            ]
        case .connecting:
            badge = BadgeView("Connecting", .waiting)
            headline = "Synthesize accepted the key"
            paragraphs = ["Your services and accounts are being made ready in Synthesize. This takes a moment; you may leave this page."]
        case .connectFailed(let failure):
            badge = BadgeView("Not finished", .bad)
            headline = "Connecting did not finish"
            paragraphs = [
                failure.message,
                "The key is kept. Mend what the message names, then press Connect again; fields left empty keep what is stored.",
            ]
        case .pendingMapping:
            badge = BadgeView("Pending mapping", .waiting)
            headline = "Map your accounts and services in Synthesize"
            paragraphs = [
                "Accounts and services are in Synthesize. Go back to Synthesize, press Next and map them; then press Sync Now here."
            ]
            linksToMapping = true
        case .active where overview.failingSchedule != nil:
            badge = BadgeView("Active", .waiting)
            headline = "Automatic syncs fail"
        case .active:
            badge = BadgeView("Active", .good)
            headline = "Usage reaches Synthesize"
            paragraphs = [
                overview.notMapped.isEmpty
                    ? "There is nothing to do."
                    : "Some accounts or services still wait to be mapped: see \u{201C}Not mapped yet\u{201D} below.",
                Self.nextSync(overview.schedule, time),
            ]
        case .other(let status):
            badge = BadgeView("Connected", .waiting)
            headline = "Synthesize reports the status \u{201C}\(status)\u{201D}"
            paragraphs = [
                "The key works and counts are sent as before. If you did not expect this status, look at the integration in Synthesize."
            ]
            linksToMapping = true
        case .needsNewKey:
            badge = BadgeView("Needs a new key", .bad)
            headline = "Synthesize no longer accepts the key"
            paragraphs = [
                reason ?? "The key was regenerated, or the integration was disconnected in Synthesize.",
                "Nothing is sent until a new key is connected. Your schedule, settings and history are kept.",
            ]
            instructions = [
                "In Synthesize, open Integrations, choose \(product) and generate a Partner API key.",
                "Paste it below and press Connect.",
            ]
        case .disabled:
            badge = BadgeView("Disabled", .quiet)
            headline = "Nothing is sent to Synthesize"
            paragraphs = [
                "The integration is disabled here. The key, your schedule and your history are kept, and nothing was deleted in "
                    + "Synthesize. Press Enable to go on."
            ]
        }
        if overview.connection.state == .connected, let failing = overview.failingSchedule {
            paragraphs.append(failing.text(time, button: "Sync Now"))
        }
    }

    private static func nextSync(_ schedule: Schedule?, _ time: LocalTime) -> String {
        guard let next = schedule?.nextRunAt else { return "No sync is scheduled." }
        return "The next sync is on \(time.weekdayDateAndTime(next)) (\(time.zoneName))."
    }
}

/// One step of the connect job.
struct JobStepView: Sendable, Hashable {
    var label: String
    /// A class of the style sheet: `done`, `current`, `failed` or `ahead`.
    var progress: String
    /// The same for people who do not see the colour.
    var progressWord: String

    /// In the order of the connect job. Nothing when no connect job runs and none has failed.
    static func steps(_ overview: PartnerOverview) -> [JobStepView] {
        guard let job = overview.connectJob else { return [] }
        let hasFailed: Bool
        switch overview.standing {
        case .connecting: hasFailed = false
        case .connectFailed: hasFailed = true
        default: return []
        }
        let reached = order.firstIndex { $0.stage == job.stage } ?? 0
        return order.enumerated().map { index, step in
            if index < reached { return JobStepView(label: step.label, progress: "done", progressWord: "done") }
            if index > reached { return JobStepView(label: step.label, progress: "ahead", progressWord: "to come") }
            return hasFailed
                ? JobStepView(label: step.label, progress: "failed", progressWord: "failed")
                : JobStepView(label: step.label, progress: "current", progressWord: "under way")
        }
    }

    private static let order: [(stage: RunStage, label: String)] = [
        (.verify, "Check the key"), (.fetch, "Read your customers"), (.services, "Make services ready"),
        (.accounts, "Make accounts ready"), (.finish, "Set the status to pending"),
    ]
}
