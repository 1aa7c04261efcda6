import Foundation
import HTTPServer
import Integration
import Store

/// Why a schedule was not saved, and what was chosen.
struct ScheduleAttempt: Sendable, Hashable {
    var choice: ScheduleChoice
    /// The time as typed: it need not be one.
    var typedTime: String
    var error: IntegrationError
}

/// The names of the form's fields, and how they are read.
enum ScheduleFields {
    static let cadence = "cadence"
    static let time = "time"
    static let weekday = "weekday"
    static let dayOfMonth = "dayOfMonth"
    static let timeZone = "timeZone"

    /// Numbers that cannot be read become 0, or -1 for the time, which the domain refuses with the field's name.
    static func choice(_ form: FormFields) -> ScheduleChoice {
        ScheduleChoice(
            cadence: Cadence(rawValue: form[cadence] ?? "") ?? .daily, weekday: Int(form[weekday] ?? "") ?? 0,
            dayOfMonth: Int(form[dayOfMonth] ?? "") ?? 0, minuteOfDay: minuteOfDay(form[time] ?? "") ?? -1,
            timeZone: form[timeZone] ?? "")
    }

    /// "06:30", or with seconds as some browsers send it.
    static func minuteOfDay(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isASCIIDigit) }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { return nil }
        return hour * 60 + minute
    }

    static func time(_ minuteOfDay: Int) -> String {
        "\(LocalTime.twoDigits(minuteOfDay / 60)):\(LocalTime.twoDigits(minuteOfDay % 60))"
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}

/// When the partner's usage is sent by itself.
struct ScheduleFormView: Sendable, Hashable {
    var cadences: [Choice]
    var time: String
    var weekdays: [Choice]
    var days: [Choice]
    var zones: [Choice]
    /// "Next sync: Wednesday, 3 Jun 2026, 02:00 (Europe/Berlin)", or why there is none.
    var next: String
    var error: String
    var timeError: String
    /// False for who may only look.
    var canSave = true

    struct Choice: Sendable, Hashable {
        var value: String
        var label: String
        var isChosen: Bool
    }

    /// Nil before the first connect.
    init?(_ overview: PartnerOverview, attempt: ScheduleAttempt?, time localTime: LocalTime) {
        guard overview.connection.state != .notConnected else { return nil }
        let stored = overview.schedule
        let cadence = attempt?.choice.cadence ?? stored?.cadence ?? .daily
        let weekday = attempt?.choice.weekday ?? stored?.weekday ?? 1
        let day = attempt?.choice.dayOfMonth ?? stored?.dayOfMonth ?? 1
        let zone = attempt?.choice.timeZone ?? overview.partner.timeZone

        cadences = [Cadence.daily, .weekly, .monthly].map {
            Choice(value: $0.rawValue, label: $0.rawValue.capitalized, isChosen: $0 == cadence)
        }
        time = attempt?.typedTime ?? ScheduleFields.time(stored?.minuteOfDay ?? 2 * 60)
        weekdays = LocalTime.weekdays.enumerated().map {
            Choice(value: "\($0 + 1)", label: $1, isChosen: $0 + 1 == weekday)
        }
        days = (1...31).map { Choice(value: "\($0)", label: "\($0)", isChosen: $0 == day) }
        zones = TimeZoneNames.list(including: zone).map {
            Choice(value: $0, label: $0.replacing("_", with: " "), isChosen: $0 == zone)
        }
        next = Self.next(overview, localTime)
        timeError = attempt?.error.field == "time" ? attempt?.error.message ?? "" : ""
        error = timeError.isEmpty ? attempt?.error.message ?? "" : ""
    }

    private static func next(_ overview: PartnerOverview, _ time: LocalTime) -> String {
        if let next = overview.schedule?.nextRunAt {
            return "Next sync: \(time.weekdayDateAndTime(next)) (\(time.zoneName))"
        }
        return switch overview.connection.state {
        case .disabled: "Next sync: none while the integration is disabled."
        case .needsNewKey: "Next sync: none until a new key is connected."
        case .connected, .notConnected: "Next sync: none yet."
        }
    }
}

/// The time zones offered: where MSPs are, not all 400 that exist.
enum TimeZoneNames {
    /// With the one in use, whatever it is.
    static func list(including current: String) -> [String] {
        offered.contains(current) || current.isEmpty ? offered : [current] + offered
    }

    static let offered = [
        "UTC",
        "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
        "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico",
        "America/Halifax", "America/St_Johns", "America/Toronto", "America/Winnipeg", "America/Regina",
        "America/Edmonton", "America/Vancouver",
        "America/Mexico_City", "America/Bogota", "America/Lima", "America/Santiago", "America/Sao_Paulo",
        "America/Argentina/Buenos_Aires",
        "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Atlantic/Reykjavik", "Europe/Amsterdam", "Europe/Brussels",
        "Europe/Paris", "Europe/Madrid", "Europe/Berlin", "Europe/Zurich", "Europe/Vienna", "Europe/Rome",
        "Europe/Copenhagen", "Europe/Oslo", "Europe/Stockholm", "Europe/Warsaw", "Europe/Prague", "Europe/Budapest",
        "Europe/Athens", "Europe/Bucharest", "Europe/Helsinki", "Europe/Kyiv", "Europe/Istanbul",
        "Africa/Casablanca", "Africa/Lagos", "Africa/Cairo", "Africa/Johannesburg", "Africa/Nairobi",
        "Asia/Jerusalem", "Asia/Riyadh", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Bangkok",
        "Asia/Singapore", "Asia/Hong_Kong", "Asia/Manila", "Asia/Shanghai", "Asia/Seoul", "Asia/Tokyo",
        "Australia/Perth", "Australia/Darwin", "Australia/Adelaide", "Australia/Brisbane", "Australia/Sydney",
        "Australia/Hobart", "Pacific/Auckland", "Pacific/Fiji",
    ]
}
