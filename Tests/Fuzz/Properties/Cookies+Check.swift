import HTTPTypes

@testable import HTTPServer

/// One `Cookie` field a line (RFC 6265 section 4.2).
func checkCookies(_ bytes: [UInt8]) throws(BrokenProperty) {
    var fields = HTTPFields()
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
        fields.append(HTTPField(name: .cookie, value: line))
    }
    let request = Request(.get, "/", headerFields: fields)
    let pairs = plainPairs(in: fields)

    for (rawName, rawValue) in pairs.prefix(16) {
        guard let name = String(validating: rawName, as: UTF8.self) else { continue }
        guard let value = request.cookie(name) else { throw BrokenProperty(description: "\(shown(rawName)) was not found") }
        let first = pairs.first { $0.name == rawName }?.value ?? rawValue
        try require(value.utf8.elementsEqual(String(decoding: first, as: UTF8.self).utf8), "\(shown(first)) became \(shown(value.utf8))")
        try require(!value.utf8.contains { ";\r\n\0".utf8.contains($0) }, "a cookie holds \(shown(value.utf8))")
        try require(request.cookie(" " + name) == nil && request.cookie(name + ";") == nil, "blanks or ; belong to a name")
        try checkSetting(name: name, value: value)
    }

    let text = String(decoding: bytes, as: UTF8.self)
    if request.cookie(text) != nil {
        try require(pairs.contains { $0.name == Array(text.utf8) }, "\(shown(bytes)) is no name, but was found")
    }
    try checkPath(text)
}

/// What can be set comes back as it was.
private func checkSetting(name: String, value: String) throws(BrokenProperty) {
    guard let cookie = ResponseCookie(name: name, value: value) else { return }
    try require(
        cookie.headerValue == "\(name)=\(value); Path=/; Secure; HttpOnly; SameSite=Lax", "set as \(shown(cookie.headerValue.utf8))")
    let back = Request(.get, "/", headerFields: [.cookie: "other=1; \(name)=\(value); \(name)=last"])
    guard name != "other" else { return }
    try require(back.cookie(name) == value, "\(name)=\(value) came back as \(back.cookie(name) ?? "nothing")")
}

/// No path adds an attribute or a line.
private func checkPath(_ path: String) throws(BrokenProperty) {
    guard var cookie = ResponseCookie(name: "name", value: "value") else { throw BrokenProperty(description: "name=value was refused") }
    cookie.path = path
    var response = Response.text("")
    response.setCookie(cookie)
    let lines = response.headerFields[values: .setCookie]
    let attributes = lines.first?.utf8.split(separator: UInt8(ascii: ";")).count ?? 0
    try require(lines.count == 1 && attributes <= 5, "a path became \(lines)")
    try require(lines.allSatisfy { !$0.utf8.contains { "\r\n\0".utf8.contains($0) } }, "a path became \(lines)")
}

private func plainPairs(in fields: HTTPFields) -> [(name: [UInt8], value: [UInt8])] {
    func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        Array(bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
    return fields.flatMap { field in
        valueBytes(field).split(separator: UInt8(ascii: ";")).compactMap { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            let value = trimmed(parts[1])
            let isQuoted = value.count >= 2 && value.first == UInt8(ascii: "\"") && value.last == UInt8(ascii: "\"")
            return (trimmed(parts[0]), isQuoted ? Array(value.dropFirst().dropLast()) : value)
        }
    }
}
