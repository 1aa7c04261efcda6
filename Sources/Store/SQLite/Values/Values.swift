import Foundation
import GRDB

extension Date {
    /// Milliseconds since 1970, as stored; what a calendar cannot reach becomes the end of the range.
    var milliseconds: Int64 {
        let exact = (timeIntervalSince1970 * 1000).rounded()
        return Int64(exactly: exact) ?? (exact > 0 ? .max : .min)
    }

    init(milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}

extension Decimal {
    /// The one text for a number: no exponent, no trailing zeros, no plus sign, `-` only below zero; nil for NaN.
    var canonicalText: String? {
        guard !isNaN else { return nil }
        var text = description
        if text.utf8.contains(UInt8(ascii: ".")) {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return text == "-0" ? "0" : text
    }

    /// Nil unless the text is canonical in form: `Decimal(string:)` alone would take the number at the start of any text.
    init?(canonicalText text: String) {
        let unsigned = text.hasPrefix("-") ? text.utf8.dropFirst() : text.utf8[...]
        let parts = unsigned.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let areDigits = parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
        guard areDigits, let number = Decimal(string: text) else { return nil }
        self = number
    }
}

/// A count as SQLite takes it.
/// - Throws: `StoreError` with code `constraint` for NaN.
func storable(_ count: Decimal) throws(StoreError) -> String {
    guard let text = count.canonicalText else {
        throw StoreError(code: .constraint, message: "A count is not a number. Nothing was saved. This is a defect in Perch.")
    }
    return text
}

/// A list or record inside one column, as JSON with sorted keys.
func storable(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
