import Foundation
import HTTPTypes

@testable import HTTPServer

/// Dates and locations.
func checkHeaderValues(_ bytes: [UInt8]) throws(BrokenProperty) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let seconds = HTTPDate.parse(text) { try checkDate(seconds) }
    // The bytes as a number, so that mutations reach every day of every year.
    let number = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    try checkDate(Int(number % UInt64(lastSecond + 1)))
    try checkLocation(text)
}

/// 9999-12-31T23:59:59Z
private let lastSecond = 253_402_300_799

private func checkDate(_ seconds: Int) throws(BrokenProperty) {
    try require((0...lastSecond).contains(seconds), "\(seconds) is outside 1970 to 9999")
    let text = HTTPDate.format(seconds)
    let expected = try calendar(seconds)
    try require(text == expected.sent, "\(seconds) is \(text), not \(expected.sent)")
    for form in [expected.sent, expected.asctime] {
        try require(HTTPDate.parse(form) == seconds, "\(form) is read as \(HTTPDate.parse(form) ?? -1), not \(seconds)")
    }
}

/// What the C library says of that second, in two of the forms of RFC 9110 section 5.6.7.
private func calendar(_ seconds: Int) throws(BrokenProperty) -> (sent: String, asctime: String) {
    var time = time_t(seconds)
    var parts = tm()
    guard gmtime_r(&time, &parts) != nil else { throw BrokenProperty(description: "gmtime_r refused \(seconds)") }
    let weekday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][Int(parts.tm_wday)]
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let month = names[Int(parts.tm_mon)]
    let year = parts.tm_year + 1900
    func two(_ number: Int32, _ pad: String = "0") -> String { number < 10 ? "\(pad)\(number)" : "\(number)" }
    let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    return (
        "\(weekday), \(two(parts.tm_mday)) \(month) \(year) \(clock) GMT",
        "\(weekday) \(month) \(two(parts.tm_mday, " ")) \(clock) \(year)"
    )
}

private func checkLocation(_ text: String) throws(BrokenProperty) {
    let location = Response.redirect(to: text).headerFields[.location] ?? ""
    try require(location.utf8.allSatisfy(isURIByte), "the location is \(shown(location.utf8))")
    try require(text.isEmpty == location.isEmpty, "\(shown(text.utf8)) became \(shown(location.utf8))")
    let again = Response.redirect(to: location).headerFields[.location] ?? ""
    try require(again == location, "\(shown(location.utf8)) became \(shown(again.utf8))")
}
