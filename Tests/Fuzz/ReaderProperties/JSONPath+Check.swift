@testable import Connectors

/// A path in the first line, a document in the others.
func checkJSONPath(_ bytes: [UInt8]) throws(BrokenProperty) {
    let parts = bytes.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let path = try readPath(String(decoding: first, as: UTF8.self)) else { return }
    // The wish for a document is free: without one the path meets one that has everything.
    let document =
        (try? JSONValue(parsing: parts.count > 1 ? Array(parts[1]) : []))
        ?? .object([.init(name: "a", value: .array([.null, .number("1"), .object([.init(name: "b", value: .string("x"))])]))])

    let values = path.values(in: document)
    try require(path.first(in: document) == values.first, "the first of \(values) is \(String(describing: path.first(in: document)))")
    if path.isSingular { try require(values.count <= 1, "\(path) is singular and finds \(values)") }
    if path.isStreamable {
        var records: [JSONValue] = []
        do throws(ConnectorError) {
            var reader = RecordReader(records: path)
            let take = { (record: JSONValue) throws(ConnectorError) in records.append(record) }
            try reader.read(document.jsonBytes, each: take)
            _ = try reader.finish(each: take)
        } catch {
            throw BrokenProperty(description: "\(document.jsonText) was refused: \(error)")
        }
        try require(records == values, "\(path) finds \(values), read one by one are \(records)")
    }
    guard let again = try readPath(path.text) else { throw BrokenProperty(description: "\(path) was refused when read again") }
    try require(again == path, "\(path) became \(again)")
}

/// Nil for a path that is refused as it may be.
func readPath(_ text: String) throws(BrokenProperty) -> JSONPath? {
    do throws(ConnectorError) {
        return try JSONPath(text)
    } catch {
        try require(error.code == .invalidDefinition, "a path was refused with \(error)")
        return nil
    }
}
