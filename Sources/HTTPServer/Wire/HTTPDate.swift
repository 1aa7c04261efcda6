import Glibc

/// HTTP dates (RFC 9110 section 5.6.7), from and to seconds since 1970 in UTC.
enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    @ServerLoop private static var latest = (second: 0, text: "")

    /// The `Date` field's value, formatted once a second. The one place of this module that reads the calendar clock.
    @ServerLoop static var now: String {
        let second = time(nil)
        if latest.second != second { latest = (second, format(second)) }
        return latest.text
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that may be sent. Years 1970 to 9999.
    static func format(_ unixSeconds: Int) -> String {
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        var seconds = unixSeconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return "\(weekdays[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }

    /// Reads the three forms a recipient must accept. Nil for anything else, and for years outside 1970 to 9999.
    static func parse(_ text: String) -> Int? {
        let words = text.utf8.split { $0 == 0x20 || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "-") }
        func number(_ index: Int) -> Int? { WireNumber.decimal(words[index]) }
        if words.count == 5 {  // asctime: Sun Nov  6 08:49:37 1994
            return seconds(year: number(4), month: words[1], day: number(2), clock: words[3])
        }
        guard words.count == 6, words[5].elementsEqual("GMT".utf8), var year = number(3) else { return nil }
        // rfc850: Sunday, 06-Nov-94 08:49:37 GMT. What would be more than 50 years ahead must be read as past: since 2019 nothing
        // up to 2069 is, so that no clock has to be asked.
        if words[3].count == 2 {
            year += year < 70 ? 2000 : 1900
        }
        return seconds(year: year, month: words[2], day: number(1), clock: words[4])
    }

    private static func seconds(year: Int?, month: Substring.UTF8View, day: Int?, clock: Substring.UTF8View) -> Int? {
        let parts = clock.split(separator: UInt8(ascii: ":")).map { WireNumber.decimal($0) ?? .max }
        guard let year, (1970...9999).contains(year), let day, (1...31).contains(day), parts.count == 3, parts[0] < 24,
            parts[1] < 60, parts[2] <= 60, let month = months.firstIndex(where: { $0.utf8.elementsEqual(month) })
        else { return nil }
        var date = tm()
        (date.tm_year, date.tm_mon, date.tm_mday) = (Int32(year - 1900), Int32(month), Int32(day))
        let midnight = timegm(&date)
        // A day that the month does not have has become one of the next. A leap second counts as the one before it, so that it stays
        // on its day, and in its year.
        return date.tm_mday == day ? midnight + parts[0] * 3600 + parts[1] * 60 + min(parts[2], 59) : nil
    }
}
