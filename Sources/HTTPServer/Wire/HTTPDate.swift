/// HTTP dates (RFC 9110 section 5.6.7), from and to seconds since 1970 in UTC.
enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that may be sent. Years 1970 to 9999.
    static func format(_ unixSeconds: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (days, second) = unixSeconds.quotientAndRemainder(dividingBy: 86400)
        var year = 1970
        var dayOfYear = days
        while dayOfYear >= length(ofYear: year) {
            dayOfYear -= length(ofYear: year)
            year += 1
        }
        var month = 0
        while dayOfYear >= length(ofMonth: month, year) {
            dayOfYear -= length(ofMonth: month, year)
            month += 1
        }
        let weekday = weekdays[(days + 4) % 7]  // 1 January 1970 was a Thursday
        return "\(weekday), \(two(dayOfYear + 1)) \(months[month]) \(year) "
            + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
    }

    /// Reads the three forms a recipient must accept. Nil for anything else, and for years outside 1970 to 9999.
    static func parse(_ text: String) -> Int? {
        let words = text.utf8.split { $0 == 0x20 || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "-") }
        func number(_ index: Int) -> Int? { WireNumber.decimal(words[index]) }
        if words.count == 5 {  // asctime: Sun Nov  6 08:49:37 1994
            return seconds(year: number(4), month: words[1], day: number(2), clock: words[3])
        }
        guard words.count == 6, words[5].elementsEqual("GMT".utf8), var year = number(3) else { return nil }
        if words[3].count == 2 {  // rfc850: Sunday, 06-Nov-94 08:49:37 GMT; 70 to 99 can only be the last century
            year += year < 70 ? 2000 : 1900
        }
        return seconds(year: year, month: words[2], day: number(1), clock: words[4])
    }

    private static func seconds(
        year: Int?, month: Substring.UTF8View, day: Int?, clock: Substring.UTF8View
    ) -> Int? {
        let parts = clock.split(separator: UInt8(ascii: ":")).map { WireNumber.decimal($0) ?? .max }
        guard let year, (1970...9999).contains(year), let day,
            let month = months.firstIndex(where: { $0.utf8.elementsEqual(month) }),
            (1...length(ofMonth: month, year)).contains(day),
            parts.count == 3, parts[0] < 24, parts[1] < 60, parts[2] <= 60
        else { return nil }
        let days = (1970..<year).reduce(0) { $0 + length(ofYear: $1) }
            + (0..<month).reduce(0) { $0 + length(ofMonth: $1, year) } + day - 1
        return days * 86400 + parts[0] * 3600 + parts[1] * 60 + parts[2]
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
    private static func length(ofYear year: Int) -> Int { isLeap(year) ? 366 : 365 }
    private static func length(ofMonth month: Int, _ year: Int) -> Int {
        month == 1 && isLeap(year) ? 29 : [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month]
    }
}
