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
    // Fixed width (RFC 9110 section 5.6.7): day-name, SP day SP month SP year SP hour:minute:second SP GMT.
    let words = text.split { " ,:".contains($0) }.map(String.init)
    try require(text.utf8.count == 29 && words.count == 8 && words[7] == "GMT", "\(seconds) is \(text)")
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard let month = months.firstIndex(of: words[2]), let day = Int(words[1]), let year = Int(words[3]), let hour = Int(words[4]),
        let minute = Int(words[5]), let second = Int(words[6])
    else { throw BrokenProperty(description: "\(seconds) is \(text)") }
    let days = days(year: year, month: month + 1, day: day)
    try require(days * 86_400 + hour * 3600 + minute * 60 + second == seconds, "\(seconds) is \(text)")
    try require(words[0] == ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][days % 7], "\(text) is no \(words[0])")

    let asctime = "\(words[0]) \(words[2]) \(day < 10 ? " " : "")\(day) \(words[4]):\(words[5]):\(words[6]) \(year)"
    for form in [text, asctime] {
        try require(HTTPDate.parse(form) == seconds, "\(form) is read as \(HTTPDate.parse(form) ?? -1), not \(seconds)")
    }
}

/// Days since 1970 in Gregorian arithmetic, with the year beginning in March so that its leap day is the last.
private func days(year: Int, month: Int, day: Int) -> Int {
    let year = month > 2 ? year : year - 1
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
}

private func checkLocation(_ text: String) throws(BrokenProperty) {
    let location = Response.redirect(to: text).headerFields[.location] ?? ""
    try require(location.utf8.allSatisfy(isURIByte), "the location is \(shown(location.utf8))")
    try require(text.isEmpty == location.isEmpty, "\(shown(text.utf8)) became \(shown(location.utf8))")
    let again = Response.redirect(to: location).headerFields[.location] ?? ""
    try require(again == location, "\(shown(location.utf8)) became \(shown(again.utf8))")
}
