import Foundation

/// Which GRADIENT-TOKEN belongs to whom, and how fast each is used.
///
/// A token is looked up by its exact text, the standard Base64 of `vendorKey:partnerKey` with
/// padding (contract section 2). Any other writing of the same keys, a `Basic` prefix, the URL-safe
/// alphabet or missing padding, is therefore unknown, which is a 401 (U-27).
struct TokenTable: Sendable {
    struct Entry: Sendable {
        /// Position of the organization; nil for the vendor key alone (U-26).
        var organization: Int?
        var window = SlidingWindow()
    }

    private var entries: [String: Entry] = [:]

    static func text(vendorKey: String, partnerKey: String) -> String {
        Data("\(vendorKey):\(partnerKey)".utf8).base64EncodedString()
    }

    subscript(token: String) -> Entry? { entries[token] }

    mutating func allow(vendorKey: String, partnerKey: String, organization: Int?) {
        entries[Self.text(vendorKey: vendorKey, partnerKey: partnerKey)] = Entry(organization: organization)
    }

    mutating func revoke(vendorKey: String, partnerKey: String) {
        entries[Self.text(vendorKey: vendorKey, partnerKey: partnerKey)] = nil
    }

    /// Whether one more request now stays within the limit; counts it when it does. A refused request
    /// does not count, so a client that waits a second gets through (U-24).
    mutating func admit(token: String, limit: Int, at now: Date) -> Bool {
        let instant = now.microseconds
        guard entries[token] != nil else { return true }
        entries[token]?.window.advance(to: instant)
        guard entries[token]?.window.count ?? 0 < limit else { return false }
        entries[token]?.window.record(at: instant)
        return true
    }
}
