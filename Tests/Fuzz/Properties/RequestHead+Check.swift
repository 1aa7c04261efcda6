import HTTPTypes

@testable import HTTPServer

/// Any stream of requests, from its first byte.
func checkRequestHead(_ bytes: [UInt8]) throws(BrokenProperty) {
    _ = try checkRequestStream(bytes, limits: fuzzLimits())
}

/// What holds for every head that was accepted. `bytes` are those it was read from.
func checkHead(_ head: RequestHead, bytes: ArraySlice<UInt8>, limits: ServerLimits) throws(BrokenProperty) {
    try checkCharacters(head)
    try checkFraming(head, limits: limits)
    try checkAgainstLines(head, bytes: bytes, limits: limits)

    let encoded = encode(head)
    let again = try ParserReading(whole: encoded, limits: ServerLimits()).lines
    try require(again == [.head(head)], "\(head)\nwas written as \(shown(encoded))\nand read as \(again)")
}

private func checkCharacters(_ head: RequestHead) throws(BrokenProperty) {
    let request = head.request
    try require(request.method.rawValue.utf8.allSatisfy(isTokenByte), "method \(shown(request.method.rawValue.utf8))")
    for field in request.headerFields {
        let value = valueBytes(field)
        try require(!field.name.rawName.isEmpty && field.name.rawName.utf8.allSatisfy(isTokenByte), "name \(field.name.rawName)")
        try require(value.allSatisfy { $0 == 0x09 || (0x20...0xFF).contains($0) && $0 != 0x7F }, "value \(shown(value))")
        try require(value.first.map(isBlank) != true && value.last.map(isBlank) != true, "blanks around \(shown(value))")
    }

    guard let path = request.path.map({ Array($0.utf8) }) else { throw BrokenProperty(description: "no target: \(head)") }
    try require(path.first == UInt8(ascii: "/") || path == [UInt8(ascii: "*")], "target \(shown(path))")
    try require(path.allSatisfy { (0x21...0x7E).contains($0) && !"#\"<>".utf8.contains($0) }, "target \(shown(path))")
    for index in path.indices where path[index] == UInt8(ascii: "%") {
        let escape = path[index...].dropFirst().prefix(2)
        try require(escape.count == 2 && escape.allSatisfy(isHexDigit), "escape in target \(shown(path))")
    }

    // RFC 9112 section 3.2: HTTP/1.1 has exactly one Host.
    try require(head.version == .http10 || request.authority != nil, "no authority: \(head)")
    if let authority = request.authority {
        let odd = authority.utf8.filter { !isLetterOrDigit($0) && !"-._~:[]".utf8.contains($0) }
        try require(!authority.isEmpty && odd.isEmpty, "authority \(shown(authority.utf8))")
    }
}

private func checkFraming(_ head: RequestHead, limits: ServerLimits) throws(BrokenProperty) {
    let lengths = head.request.headerFields[values: .contentLength]
    let codings = head.request.headerFields[values: .transferEncoding]
    switch head.framing {
    case .none: try require(codings.isEmpty && lengths.allSatisfy { Int($0) == 0 } && lengths.count <= 1, "no body: \(head)")
    case .length(let length):
        try require(codings.isEmpty && lengths.count == 1 && Int(lengths[0]) == length, "length \(length): \(head)")
        try require((1...limits.body).contains(length), "length \(length), \(limits.body) are allowed")
    case .chunked:
        try require(lengths.isEmpty && codings.count == 1 && head.version == .http11, "chunked: \(head)")
        try require(codings[0].lowercased() == "chunked", "coding \(codings)")
    }
    try require(!head.expectsContinue || head.framing != .none, "100 is awaited for no body: \(head)")
    try require(head.request.headerFields.count <= limits.headerCount, "\(head.request.headerFields.count) fields")
}

/// Reads the head once more in the plainest way, which is right for a head that holds nothing odd; an accepted one must not.
private func checkAgainstLines(_ head: RequestHead, bytes: ArraySlice<UInt8>, limits: ServerLimits) throws(BrokenProperty) {
    var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    try require(lines.popLast()?.isEmpty == true, "the head does not end with its last line: \(shown(bytes))")
    try require(lines.allSatisfy { $0.last == 0x0D && !$0.dropLast().contains(0x0D) }, "a line without CRLF: \(shown(bytes))")
    lines = lines.map { $0.dropLast() }
    if lines.first?.isEmpty == true { lines.removeFirst() }  // the one that RFC 9112 section 2.2 ignores
    try require(lines.popLast()?.isEmpty == true, "the head does not end with an empty line: \(shown(bytes))")
    try require(lines.reduce(0) { $0 + $1.count + 2 } <= limits.headerBytes, "a head of \(bytes.count) bytes")

    let words = (lines.first ?? []).split(separator: 0x20, omittingEmptySubsequences: false)
    try require(words.count == 3 && words[0].elementsEqual(head.request.method.rawValue.utf8), "request line \(shown(bytes))")
    let path = Array((head.request.path ?? "").utf8)
    // An absolute target may lack the slash that its path begins with.
    let ending = words[1].first == UInt8(ascii: "/") ? path[...] : path.dropFirst()
    try require(words[1].suffix(ending.count) == ending, "\(shown(words[1])) became \(shown(path))")
    try require((lines.first?.count ?? 0) <= limits.requestLine, "request line of \(lines.first?.count ?? 0) bytes")

    var fields: [(name: [UInt8], value: [UInt8])] = []
    for line in lines.dropFirst() {
        try require(line.count <= limits.headerLine, "a header line of \(line.count) bytes")
        let parts = line.split(separator: 0x3A, maxSplits: 1, omittingEmptySubsequences: false)
        try require(parts.count == 2, "a line without a colon: \(shown(line))")
        let value = Array(parts[1].drop(while: isBlank).reversed().drop(while: isBlank).reversed())
        if String(decoding: parts[0], as: UTF8.self).lowercased() == "host" {
            try require(value == head.request.authority.map { Array($0.utf8) }, "\(shown(line)) became \(head)")
        } else {
            fields.append((Array(parts[0]), value))
        }
    }
    try require(fields.count == head.request.headerFields.count, "\(shown(bytes)) became \(head)")
    for (expected, field) in zip(fields, head.request.headerFields) {
        try require(
            field.name.rawName.utf8.elementsEqual(expected.name) && valueBytes(field) == expected.value,
            "\(shown(expected.name)): \(shown(expected.value)) became \(field)")
    }
}

/// The head in its simplest spelling.
func encode(_ head: RequestHead) -> [UInt8] {
    let request = head.request
    var bytes = Array("\(request.method.rawValue) \(request.path ?? "") HTTP/1.\(head.version == .http11 ? 1 : 0)\r\n".utf8)
    if let authority = request.authority { bytes += "Host: \(authority)\r\n".utf8 }
    for field in request.headerFields {
        bytes += "\(field.name.rawName): ".utf8
        bytes += valueBytes(field)
        bytes += [0x0D, 0x0A]
    }
    return bytes + [0x0D, 0x0A]
}
