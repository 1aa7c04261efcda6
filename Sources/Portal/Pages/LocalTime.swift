import Foundation

/// Writes instants as a partner reads them: in its own time zone.
struct LocalTime: Sendable {
    /// The name shown beside times, such as `Europe/Berlin`.
    let zoneName: String
    private let calendar: Calendar

    /// - Parameter zoneName: an IANA name; UTC stands in for one that is not known.
    init(zoneName: String) {
        let zone = TimeZone(identifier: zoneName)
        self.zoneName = zone == nil ? "UTC" : zoneName
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone ?? .gmt
        self.calendar = calendar
    }

    /// For instance "3 Jun 2026, 14:05".
    func dateAndTime(_ instant: Date) -> String {
        let parts = calendar.dateComponents([.hour, .minute], from: instant)
        return "\(date(instant)), \(Self.twoDigits(parts.hour ?? 0)):\(Self.twoDigits(parts.minute ?? 0))"
    }

    /// For instance "3 Jun 2026".
    func date(_ instant: Date) -> String {
        "\(dayAndMonth(instant)) \(calendar.component(.year, from: instant))"
    }

    /// For instance "3 Jun".
    func dayAndMonth(_ instant: Date) -> String {
        let parts = calendar.dateComponents([.day, .month], from: instant)
        return "\(parts.day ?? 1) \(Self.months[(parts.month ?? 1) - 1])"
    }

    /// For instance "Wednesday, 3 Jun 2026, 14:05".
    func weekdayDateAndTime(_ instant: Date) -> String {
        // Foundation counts weekdays from Sunday, 1.
        let weekday = (calendar.component(.weekday, from: instant) + 5) % 7
        return "\(Self.weekdays[weekday]), \(dateAndTime(instant))"
    }

    /// For instance "2026-06-03T12:05:00Z", for programs.
    static func machine(_ instant: Date) -> String {
        instant.formatted(.iso8601)
    }

    /// From Monday, as ISO 8601 counts.
    static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static func twoDigits(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}

/// An instant for a template's `<time>` element.
struct TimeView: Sendable, Hashable {
    var machine: String
    var text: String

    init(_ instant: Date, _ time: LocalTime) {
        machine = LocalTime.machine(instant)
        text = time.dateAndTime(instant)
    }
}
