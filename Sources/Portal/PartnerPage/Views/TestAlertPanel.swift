import Foundation
import Integration
import Store

/// Test alert, and how far the last one came on its way to a ticket.
struct TestAlertView: Sendable, Hashable {
    var canSend: Bool
    var way: Way?

    struct Way: Sendable, Hashable {
        var sentAt: TimeView
        var title: String
        var steps: [JobStepView]
        /// Where it stands, in a sentence.
        var sentence: String
        /// What Synthesize, the PSA or the failure said.
        var errors: [String]
        var isUnderWay: Bool
    }

    /// Nil for a partner that can send none and has sent none.
    init?(_ overview: PartnerOverview, time: LocalTime) {
        canSend = overview.connection.state == .connected && overview.standing != .connecting
        way = overview.testAlert.map { Way($0, time) }
        if !canSend, way == nil { return nil }
    }
}

extension TestAlertView.Way {
    init(_ alert: Alert, _ time: LocalTime) {
        sentAt = TimeView(alert.createdAt, time)
        title = alert.title
        steps = Self.steps(alert)
        sentence = Self.sentence(alert)
        errors = alert.state == .delivered ? [] : alert.errors
        isUnderWay = !alert.state.isFinal
    }

    /// Queued here, taken by Synthesize, ticket in the PSA.
    private static func steps(_ alert: Alert) -> [JobStepView] {
        let (queued, taken, ticket): (Mark, Mark, Mark) =
            switch alert.state {
            case .queued: (.current, .ahead, .ahead)
            case .sending: (.done, .current, .ahead)
            case .accepted: (.done, .done, .current)
            case .delivered: (.done, .done, .done)
            case .unknown, .notMapped: (.done, .failed, .ahead)
            // With a message id Synthesize had taken it, so it failed later, in the PSA.
            case .failed: alert.messageID == nil ? (.done, .failed, .ahead) : (.done, .done, .failed)
            case .overdue: (.done, .done, .failed)
            }
        return [queued.step("Queued here"), taken.step("Taken by Synthesize"), ticket.step("Ticket in your PSA")]
    }

    private enum Mark: String {
        case done, current, failed, ahead

        func step(_ label: String) -> JobStepView {
            let word =
                switch self {
                case .done: "done"
                case .current: "under way"
                case .failed: "failed"
                case .ahead: "to come"
                }
            return JobStepView(label: label, progress: rawValue, progressWord: word)
        }
    }

    private static func sentence(_ alert: Alert) -> String {
        switch alert.state {
        case .queued: "Waiting to be sent."
        case .sending: "Being sent to Synthesize."
        case .accepted: "Synthesize has it. Waiting for the ticket."
        case .delivered:
            alert.ticketID.map { "Ticket created in your PSA: \($0). It was only a test, so close it there." }
                ?? "Synthesize reports success, without a ticket number. Look for it in your PSA."
        case .notMapped:
            "Synthesize does not know yet which client this account belongs to. Map the account there, then send another."
        case .failed: "No ticket was created."
        case .overdue: "Synthesize took the alert, but no ticket has appeared. Look in your PSA before you send another."
        case .unknown: "Sent, but no answer came, so it may or may not have arrived. It is not sent again by itself."
        }
    }
}
