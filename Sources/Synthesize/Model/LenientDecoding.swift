import Foundation

/// Reading what servers send rather than what they promise (contract section 15, client column).
extension KeyedDecodingContainer {
    /// Text, or a number as its text (U-33). Nil when missing, null or of another kind.
    func lenientText(_ key: Key) -> String? {
        // Decimal keeps all digits of an id; Double would round those beyond the 16th.
        decoded(String.self, key) ?? decoded(Decimal.self, key).map { "\($0)" }
    }

    /// Texts where one or several are sent, depending on how many there are; empty when there is none.
    func lenientTexts(_ key: Key) -> [String] {
        lenientArray(String.self, key) ?? lenientText(key).map { [$0] } ?? []
    }

    /// `id`, or `_id` on servers that only have that (U-7).
    func lenientID(_ id: Key, _ underscoredID: Key) -> String? {
        lenientText(id) ?? lenientText(underscoredID)
    }

    func lenientFlag(_ key: Key) -> Bool? {
        decoded(Bool.self, key)
    }

    /// The elements that can be read; those that cannot are left out. Nil when there is no array.
    func lenientArray<Element: Decodable>(_ element: Element.Type, _ key: Key) -> [Element]? {
        decoded([Readable<Element>].self, key)?.compactMap(\.value)
    }

    /// A value of the wrong type counts as missing, by design of the lenient reader.
    private func decoded<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
        do {
            return try decodeIfPresent(type, forKey: key)
        } catch {
            return nil
        }
    }
}

/// An array element that may be unreadable without spoiling its neighbours.
struct Readable<Value: Decodable>: Decodable {
    let value: Value?

    init(from decoder: any Decoder) throws {
        do {
            value = try Value(from: decoder)
        } catch {
            value = nil
        }
    }
}

/// `{ "data": {...} }` or the bare object: the envelope differs per call (contract 3.1). A `data` that does not hold the value is a
/// field like any other (U-8).
struct Enveloped<Value: Decodable>: Decodable {
    let value: Value

    private enum Key: CodingKey { case data }

    init(from decoder: any Decoder) throws {
        do {
            value = try decoder.container(keyedBy: Key.self).decode(Value.self, forKey: .data)
        } catch {
            value = try Value(from: decoder)
        }
    }
}

extension Readable: Sendable where Value: Sendable {}
