import Foundation
import Integration

extension FailingSchedule {
    /// "Automatic syncs have failed 4 times since 3 Jun 2026: Acme did not answer. Perch tries again on ...; Sync Now tries at once."
    /// - Parameter button: what starts a sync on this page.
    func text(_ time: LocalTime, button: String) -> String {
        let again = nextAttemptAt.map { "Perch tries again on \(time.weekdayDateAndTime($0)); " } ?? ""
        let message = streak.failure.message
        return "Automatic syncs have failed \(Wording.number(streak.failures)) times since \(time.date(streak.since)): \(message)"
            + "\(message.hasSuffix(".") ? "" : ".") \(again)\(button) tries at once."
    }
}
