import HTTPClient
import Integration

/// How much happens in one history.
struct HistoryPlan {
    var name: String
    var partners: Int
    var days: Int
    /// Customers that a partner begins with, at most.
    var customers: Int
    /// The mean time between two things that one partner's people do.
    var betweenActions: Duration
    /// The mean time between two troubles of the world: storms, outages, a wall clock that jumps.
    var betweenTroubles: Duration
    /// Jobs between two deaths of the process, at most; some are much nearer together.
    var jobsBetweenCrashes: Int
    /// How often loops look again by themselves.
    var lookAgain: Duration
    /// Whether some histories have one.
    var hasSlowDisks: Bool
    /// Whether somebody sets the clock on the wall: what is due when cannot be judged from then on.
    var setsClocks: Bool

    /// A few partners for a few days in which everything goes wrong.
    static let short = HistoryPlan(
        name: "short", partners: 3, days: 3, customers: 6, betweenActions: .seconds(5400), betweenTroubles: .seconds(4 * 3600),
        jobsBetweenCrashes: 1500, lookAgain: .seconds(600), hasSlowDisks: true, setsClocks: true)
    /// Some weeks of the same partners, in which people do little: schedules that fail and fail.
    static let weeks = HistoryPlan(
        name: "short", partners: 3, days: 40, customers: 4, betweenActions: .seconds(4 * 86_400), betweenTroubles: .seconds(3 * 86_400),
        jobsBetweenCrashes: 20_000, lookAgain: .seconds(1800), hasSlowDisks: true, setsClocks: false)
    /// Fifty partners for a year, most of which is quiet.
    static let year = HistoryPlan(
        name: "year", partners: 50, days: 365, customers: 3, betweenActions: .seconds(20 * 86_400), betweenTroubles: .seconds(4 * 86_400),
        jobsBetweenCrashes: 200_000, lookAgain: .seconds(3600), hasSlowDisks: false, setsClocks: true)

    /// One short history in eight takes weeks instead of days.
    func of(_ seed: UInt64) -> HistoryPlan { name == "short" && seed.isMultiple(of: 8) ? .weeks : self }
}
