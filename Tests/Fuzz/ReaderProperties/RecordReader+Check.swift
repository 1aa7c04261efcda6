@testable import Connectors

/// Small, so that a short input reaches every limit.
private let limits = JSONLimits(
    totalBytes: 480, depth: 8, numberBytes: 24, textBytes: 64, heldBytes: 160, heldValues: 40)

private let paths = ["$", "$[*]", "$.a", "$.a[*]", "$.a.b[*]", "$.*.a[*]", "$[1]", "$.a[0][*]"]

/// The first byte chooses the path of the records.
func checkRecordReader(_ bytes: [UInt8]) throws(BrokenProperty) {
    guard let choice = bytes.first else { return }
    let text = paths[Int(choice) % paths.count]
    guard let path = try readPath(text) else { throw BrokenProperty(description: "\(text) was refused") }
    let body = Array(bytes.dropFirst())

    let whole = try RecordReading(body, path, pieceLengths: [])
    let dripped = try RecordReading(body, path, pieceLengths: Array(repeating: 1, count: body.count))
    try require(whole == dripped, "at once: \(whole)\nbyte by byte: \(dripped)")
    // Lengths that depend on nothing but the bytes.
    let pieces = body.map { 1 + Int($0) % 13 }
    let inPieces = try RecordReading(body, path, pieceLengths: pieces)
    try require(whole == inPieces, "at once: \(whole)\nin pieces: \(inPieces)")

    guard let envelope = whole.envelope else { return }
    // These limits are wider, so what passed those is read here too.
    guard let document = try? JSONValue(parsing: body) else { throw BrokenProperty(description: "only read by records: \(whole)") }
    try require(path.values(in: document) == whole.records, "\(path) finds \(path.values(in: document)), read were \(whole.records)")
    for value in [document, envelope] + whole.records { try checkRoundTrip(value) }
    for text in ["$", "$.a", "$.a.b"] { try checkList(body, document, text) }
}

/// The elements of a list are records; anything else in its place stays where it is.
private func checkList(_ body: [UInt8], _ document: JSONValue, _ text: String) throws(BrokenProperty) {
    guard let list = try readPath(text) else { throw BrokenProperty(description: "\(text) was refused") }
    var reader = RecordReader(list: list)
    var records: [JSONValue] = []
    let take = { (record: JSONValue) throws(ConnectorError) in records.append(record) }
    do throws(ConnectorError) {
        try reader.read(body, each: take)
        let rest = try reader.finish(each: take)
        let found = list.first(in: document)
        if case .array(let elements)? = found {
            try requireAnswer(records == elements, "the list \(text) holds \(elements), read were \(records)")
            try requireAnswer(reader.foundList && list.first(in: rest) == .array([]), "the list \(text) was not found")
        } else {
            try requireAnswer(records.isEmpty && !reader.foundList, "\(text) is no list, read were \(records)")
            try requireAnswer(rest == document, "without records \(document) became \(rest)")
        }
    } catch {
        throw BrokenProperty(description: error.message)
    }
}

private func requireAnswer(_ holds: Bool, _ problem: @autoclosure () -> String) throws(ConnectorError) {
    guard holds else { throw ConnectorError(code: .brokenAnswer, message: problem()) }
}

func checkRoundTrip(_ value: JSONValue) throws(BrokenProperty) {
    let again: JSONValue
    do throws(ConnectorError) {
        again = try JSONValue(parsing: value.jsonBytes)
    } catch {
        throw BrokenProperty(description: "\(value.jsonText) was refused: \(error)")
    }
    try require(again.isExactly(value), "\(value) became \(again)")
}

/// What a reader said of a text that reached it in pieces.
private struct RecordReading: Equatable {
    var records: [JSONValue] = []
    var envelope: JSONValue?
    var foundList = false
    var failure: ConnectorError?

    init(_ bytes: [UInt8], _ path: JSONPath, pieceLengths: [Int]) throws(BrokenProperty) {
        var reader = RecordReader(records: path, limits: limits)
        var taken: [JSONValue] = []
        let take = { (record: JSONValue) throws(ConnectorError) in taken.append(record) }
        do throws(ConnectorError) {
            var rest = bytes[...]
            for length in pieceLengths where !rest.isEmpty {
                try reader.read(Array(rest.prefix(length)), each: take)
                rest = rest.dropFirst(length)
            }
            try reader.read(Array(rest), each: take)
            envelope = try reader.finish(each: take)
        } catch {
            failure = error
            try require([.brokenAnswer, .tooLarge].contains(error.code), "refused with \(error)")
        }
        records = taken
        foundList = reader.foundList
    }
}

extension JSONValue {
    /// Byte by byte, where `==` takes composed and decomposed letters for the same.
    func isExactly(_ other: JSONValue) -> Bool { jsonBytes == other.jsonBytes }
}
