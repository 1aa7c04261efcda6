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
    try require(HTTPDate.parse(text) == seconds, "\(seconds) is \(text), which is read as \(HTTPDate.parse(text) ?? -1)")
    // Fixed width (RFC 9110 section 5.6.7): day-name, SP day SP month SP year SP time SP GMT.
    try require(text.utf8.count == 29 && text.hasSuffix(" GMT"), "\(seconds) is \(text)")
    let words = text.split { $0 == " " || $0 == "," }
    let day = words[1].first == "0" ? " " + words[1].dropFirst() : String(words[1])
    let asctime = "\(words[0]) \(words[2]) \(day) \(words[4]) \(words[3])"
    try require(HTTPDate.parse(asctime) == seconds, "\(asctime) is read as \(HTTPDate.parse(asctime) ?? -1), not \(seconds)")
}

private func checkLocation(_ text: String) throws(BrokenProperty) {
    let location = Response.redirect(to: text).headerFields[.location] ?? ""
    try require(location.utf8.allSatisfy(isURIByte), "the location is \(shown(location.utf8))")
    try require(text.isEmpty == location.isEmpty, "\(shown(text.utf8)) became \(shown(location.utf8))")
    let again = Response.redirect(to: location).headerFields[.location] ?? ""
    try require(again == location, "\(shown(location.utf8)) became \(shown(again.utf8))")
}
