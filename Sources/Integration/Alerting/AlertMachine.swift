import Foundation
import HTTPClient
import Store
import Synthesize

/// What becomes of an alert after each answer: pure decisions (contract L1, L2; reliability section 1).
enum AlertMachine {
    /// Dispatches that certainly did not arrive are repeated this often.
    static let maximumAttempts = 6
    private static let firstPoll = Duration.seconds(1)
    private static let longestPoll = Duration.seconds(30)

    private static let inDoubt =
        "Synthesize may or may not have received this alert, so Perch does not send it again by itself: that could open a "
        + "second ticket. Look for it in the PSA."

    /// After L1 answered, or failed.
    static func afterDispatch(_ alert: inout Alert, _ result: Result<AlertReceipt, SynthesizeError>, at now: Date) {
        alert.updatedAt = now
        switch result {
        case .success(let receipt):
            alert.state = .accepted
            alert.messageID = receipt.messageId
            alert.errors = []
            alert.nextActionAt = now.addingTimeInterval(firstPoll.seconds)
        case .failure(let error):
            alert.errors = [RunFailure(error).message]
            switch error.code {
            case .notFound:
                end(&alert, .notMapped, error.message)
            case .keyRefused, .forbidden, .conflict, .rejected, .invalidInput:
                end(&alert, .failed, nil)
            case .serverFailed, .answerLost, .answerUnreadable:
                end(&alert, .unknown, inDoubt)
            case .cancelled where error.wasUnderWay:
                end(&alert, .unknown, inDoubt)
            case .unreachable, .rateLimited, .cancelled:
                guard alert.attempts < maximumAttempts else { return end(&alert, .failed, nil) }
                alert.state = .queued
                alert.nextActionAt = now.addingTimeInterval(backoff(alert.attempts).seconds)
            }
        }
    }

    /// After L2 answered, or failed.
    static func afterPoll(
        _ alert: inout Alert, _ result: Result<AlertProgress, SynthesizeError>, at now: Date, deadline: Duration
    ) {
        let waited = now.timeIntervalSince(alert.updatedAt)
        if case .success(let progress) = result {
            if let ticket = progress.ticketID, !ticket.isEmpty {
                alert.ticketID = ticket
                alert.updatedAt = now
                return end(&alert, .delivered, nil)
            }
            switch progress.status {
            case "success":
                alert.updatedAt = now
                return end(&alert, .delivered, nil)
            case "failed":
                alert.updatedAt = now
                alert.errors = progress.errors.isEmpty ? [progress.message ?? "The PSA did not take it."] : progress.errors
                return end(&alert, .failed, nil)
            default: break
            }
        }
        // A failed poll says nothing of the alert; 404 right after L1 may be a race (U-23).
        guard waited < deadline.seconds else {
            return end(&alert, .overdue, "Synthesize took the alert, but no ticket appeared within \(Int(deadline.seconds / 60)) minutes.")
        }
        // As long again as it has waited already: a handful of polls, close together at first.
        let next = min(max(waited, firstPoll.seconds), longestPoll.seconds)
        alert.nextActionAt = now.addingTimeInterval(next)
    }

    /// It was not sent, because the partner's connection does not allow it now.
    static func afterRefusal(_ alert: inout Alert, _ reason: String, at now: Date) {
        alert.updatedAt = now
        end(&alert, .failed, reason)
    }

    /// A process died between writing the intent and the answer.
    static func afterInterruption(_ alert: inout Alert, at now: Date) {
        let lost = SynthesizeError(code: .answerLost, call: "L1", message: "Perch was stopped while sending.")
        afterDispatch(&alert, .failure(lost), at: now)
    }

    private static func end(_ alert: inout Alert, _ state: AlertState, _ remark: String?) {
        alert.state = state
        alert.nextActionAt = nil
        if let remark { alert.errors = [remark] }
    }

    /// 2, 4, 8, ... seconds.
    private static func backoff(_ attempts: Int) -> Duration {
        .seconds(1 << min(max(attempts, 1), 6))
    }
}
