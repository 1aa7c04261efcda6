import Foundation
import HTTPServer
import Integration

/// Which part of a list is asked for: `?cursor=&limit=`.
struct PageRequest: Sendable, Equatable {
    static let defaultLimit = 50
    static let largestLimit = 200

    /// What the last item of the page before was known by; nil for the first page.
    var after: String?
    var limit: Int

    init(after: String? = nil, limit: Int = defaultLimit) {
        self.after = after
        self.limit = limit
    }

    /// - Throws: `IntegrationError` with code `invalidInput` for a limit outside of 1 to 200 and a cursor that no answer gave.
    init(_ query: FormFields) throws(IntegrationError) {
        limit = Self.defaultLimit
        if let text = query["limit"] {
            guard let number = Int(text), (1...Self.largestLimit).contains(number) else {
                throw invalidInput("The limit must be a whole number from 1 to \(Self.largestLimit).", field: "limit")
            }
            limit = number
        }
        if let text = query["cursor"] {
            guard let key = Cursor.key(of: text) else { throw Self.badCursor }
            after = key
        }
    }

    static var badCursor: IntegrationError {
        invalidInput("The cursor is not one that this list gave. Leave it out to begin anew.", field: "cursor")
    }

    /// The cursor as the number it must be here.
    func afterNumber() throws(IntegrationError) -> Int? {
        guard let after else { return nil }
        guard let number = Int(after) else { throw Self.badCursor }
        return number
    }

    /// One more than the limit: whether it comes tells whether there is a next page.
    var limitAndOne: Int { limit + 1 }
}

/// Cursors mean nothing to callers, so that what they are made of may change: base64url of the last item's key.
enum Cursor {
    static func text(for key: String) -> String {
        Data(key.utf8).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Nil for a text that is no cursor.
    static func key(of text: String) -> String? {
        guard !text.isEmpty, !text.contains(where: { "+/=".contains($0) }) else { return nil }
        let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        let padded = base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        return Data(base64Encoded: padded).flatMap { String(validating: $0, as: UTF8.self) }
    }
}

/// A part of a list.
struct Page<Item: Encodable & Sendable>: Encodable, Sendable {
    var items: [Item]
    @OrNull var nextCursor: String?

    /// - Parameters:
    ///   - found: up to `page.limitAndOne` records.
    ///   - key: what the store goes on after.
    init<Record>(
        _ found: [Record], _ page: PageRequest, key: (Record) -> String, item: (Record) -> Item
    ) {
        let shown = found.prefix(page.limit)
        items = shown.map(item)
        nextCursor = found.count > page.limit ? shown.last.map { Cursor.text(for: key($0)) } : nil
    }

    /// A page of a list that comes whole, ordered by its keys, which must be unique.
    init<Record>(
        ofAll records: [Record], _ page: PageRequest, key: (Record) -> String, item: (Record) -> Item
    ) {
        let left = records.filter { record in page.after.map { key(record) > $0 } ?? true }
        self.init(left.sorted { key($0) < key($1) }, page, key: key, item: item)
    }
}
