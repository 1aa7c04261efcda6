import HTTPTypes

@testable import HTTPServer

/// The same text as a form's body, read strictly, and as a query, read leniently.
func checkFormAndQuery(_ bytes: [UInt8]) throws(BrokenProperty) {
    let strict = try strictly(bytes)
    if let strict {
        let segments = bytes.split(separator: UInt8(ascii: "&"))
        try require(strict.pairs.count == segments.count, "\(segments.count) pairs became \(strict.pairs)")
        try checkRoundTrip(strict)
        try checkLookUp(strict)
    }

    let text = String(decoding: bytes, as: UTF8.self)
    try checkRoundTrip(FormFields([(text, ""), ("", text), (text, text)]))

    let request = Request(.get, "/path?" + text)
    try require(request.path == "/path", "the query reached the path: \(shown(request.path.utf8))")
    let query = request.query
    try checkRoundTrip(query)
    try checkLookUp(query)
    // What the strict reading takes, the lenient one reads the same way. Only visible ASCII is left as it is in a target.
    if let strict, bytes.allSatisfy({ (0x21...0x7E).contains($0) }) {
        try require(areEqual(query.pairs, strict.pairs), "\(query.pairs) as a query, \(strict.pairs) as a form")
    }
}

private func strictly(_ bytes: [UInt8]) throws(BrokenProperty) -> FormFields? {
    do throws(HTTPError) {
        return try FormFields.parse(bytes)
    } catch {
        try require(error.status == .badRequest, "a form was refused with \(error)")
        return nil
    }
}

private func checkRoundTrip(_ fields: FormFields) throws(BrokenProperty) {
    let encoded = encode(fields)
    guard let again = try strictly(encoded) else { throw BrokenProperty(description: "refused: \(shown(encoded))") }
    try require(areEqual(again.pairs, fields.pairs), "\(fields.pairs) became \(again.pairs)")
    let query = Request(.get, "/?" + String(decoding: encoded, as: UTF8.self)).query
    try require(areEqual(query.pairs, fields.pairs), "\(fields.pairs) became \(query.pairs) in a query")
}

/// A name is found by its bytes: `String` calls canonically equivalent texts equal, such as the Kelvin sign and K, and then two
/// readers of one form disagree.
private func checkLookUp(_ fields: FormFields) throws(BrokenProperty) {
    for (name, _) in fields.pairs.prefix(8) {
        let values = fields.pairs.filter { $0.name.utf8.elementsEqual(name.utf8) }.map(\.value)
        try require(areEqual(fields.all(name), values), "all(\(shown(name.utf8))) is \(fields.all(name)) in \(fields.pairs)")
        try require(areEqual([fields[name] ?? ""], Array(values.prefix(1))), "[\(shown(name.utf8))] is \(fields[name] ?? "nil")")
    }
}

/// Every byte but letters and digits as an escape.
private func encode(_ fields: FormFields) -> [UInt8] {
    let hex = Array("0123456789abcdef".utf8)
    var encoded: [UInt8] = []
    func add(_ text: String) {
        for byte in text.utf8 {
            if isLetterOrDigit(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
    }
    for (index, pair) in fields.pairs.enumerated() {
        if index > 0 { encoded.append(UInt8(ascii: "&")) }
        add(pair.name)
        encoded.append(UInt8(ascii: "="))
        add(pair.value)
    }
    return encoded
}

private func areEqual(_ one: [(name: String, value: String)], _ other: [(name: String, value: String)]) -> Bool {
    areEqual(one.flatMap { [$0.name, $0.value] }, other.flatMap { [$0.name, $0.value] })
}

/// Byte for byte.
private func areEqual(_ one: [String], _ other: [String]) -> Bool {
    one.count == other.count && zip(one, other).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
}
