import Foundation
import Logging
import Store

/// A partner whose key was refused is told on its page and stands first in the console; so that it is not forgotten there, the log says
/// so every week.
enum KeyReminder {
    /// How often partners are looked at for it.
    static let interval: TimeInterval = 86_400
    private static let period: TimeInterval = 7 * 86_400

    /// Whether another whole week since `since` has passed between the last look and this one.
    static func isDue(since: Date, lastLook: Date, now: Date) -> Bool {
        let weeks = (now.timeIntervalSince(since) / period).rounded(.down)
        return weeks >= 1 && weeks > (lastLook.timeIntervalSince(since) / period).rounded(.down)
    }
}

extension Scheduler {
    /// Reminds of every partner who has needed a new key for another week since the last look.
    func remindOfKeys(lastLook: Date, now: Date) async throws(StoreError) {
        var cursor: PartnerID?
        while true {
            let partners = try await environment.store.partners(after: cursor, limit: 200)
            guard let last = partners.last else { return }
            for partner in partners {
                let connection = try await environment.store.connection(partner.id)
                guard connection.state == .needsNewKey,
                    KeyReminder.isDue(since: connection.stateSince, lastLook: lastLook, now: now)
                else { continue }
                environment.logger.warning(
                    "partner still needs a new key",
                    metadata: [
                        "partner": "\(partner.id)", "days": "\(Int(now.timeIntervalSince(connection.stateSince) / 86_400))",
                        "since": "\(connection.stateSince)",
                    ])
            }
            cursor = last.id
        }
    }
}
