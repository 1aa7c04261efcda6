@testable import HTTPServer

/// A body whose boundary is `B`. What is read, written as browsers write it, is read the same again.
func checkMultipartForm(_ bytes: [UInt8]) throws(BrokenProperty) {
    guard let form = try parts(bytes) else { return }
    try require(form.count <= 50, "\(form.count) parts")
    for part in form {
        try require(part.bytes.isEmpty || holds(bytes, part.bytes), "a part holds what the body does not: \(shown(part.bytes))")
        try require(!holds(part.bytes, Array("\r\n--B".utf8)), "a part goes on behind a boundary: \(shown(part.bytes))")
    }
    var written: [UInt8] = []
    for part in form {
        written += "--B\r\nContent-Disposition: form-data; name=\"".utf8 + escaped(part.name)
        if let fileName = part.fileName { written += "\"; filename=\"".utf8 + escaped(fileName) }
        written += "\"\r\n\r\n".utf8 + part.bytes + "\r\n".utf8
    }
    written += "--B--\r\n".utf8
    guard let again = try parts(written) else { throw BrokenProperty(description: "refused: \(shown(written))") }
    try require(again.count == form.count, "\(form.count) parts became \(again.count): \(shown(written))")
    for (one, other) in zip(form, again) {
        try require(one.bytes == other.bytes, "\(shown(one.bytes)) became \(shown(other.bytes))")
        try require(areSame(one.name, other.name), "the name \(shown(one.name.utf8)) became \(shown(other.name.utf8))")
        try require(
            areSame(one.fileName ?? "", other.fileName ?? "") && (one.fileName == nil) == (other.fileName == nil),
            "the file \(shown((one.fileName ?? "").utf8)) became \(shown((other.fileName ?? "").utf8))")
    }
}

private func parts(_ bytes: [UInt8]) throws(BrokenProperty) -> [MultipartForm.Part]? {
    do throws(HTTPError) {
        return try MultipartForm.parse(bytes, boundary: "B").parts
    } catch {
        try require(error.status == .badRequest, "a form was refused with \(error)")
        return nil
    }
}

/// A quote is `%22` (WHATWG HTML, multipart form data); a backslash would escape what follows.
private func escaped(_ text: String) -> [UInt8] {
    text.utf8.flatMap { byte -> [UInt8] in
        byte == UInt8(ascii: "\"") ? Array("%22".utf8) : byte == UInt8(ascii: "\\") ? Array("\\\\".utf8) : [byte]
    }
}

private func holds(_ all: [UInt8], _ part: [UInt8]) -> Bool {
    all.count >= part.count && (0...(all.count - part.count)).contains { all[$0..<$0 + part.count].elementsEqual(part) }
}

private func areSame(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }
