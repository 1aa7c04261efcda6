import Foundation
import HTTPClient

/// Hides what may not be shown in texts that show requests: secrets, tokens, and whatever signs a request.
struct Redaction: Sendable {
    /// The longest first, so that one that holds another is hidden whole.
    private let hidden: [String]

    init(_ secrets: some Sequence<String>) {
        var all: Set<String> = []
        // Base64 of user and password, which an echoed `Authorization` shows.
        let basic = secrets.filter { $0.hasPrefix("Basic ") }.map { String($0.dropFirst(6)) }
        for secret in Array(secrets) + basic where !secret.isEmpty {
            let encoded = PercentEncoding.queryComponent(secret)
            all.formUnion([secret, encoded])
            // As forms are written.
            if encoded.contains("%20") { all.insert(encoded.replacing("%20", with: "+")) }
        }
        hidden = all.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    func callAsFunction(_ text: String) -> String {
        let text = text.withoutControls
        // Percent-encoding is the same in either case of its digits (RFC 3986 section 2.1).
        return hidden.reduce(text) { text, secret in
            text.replacingOccurrences(of: secret, with: "***", options: secret.contains("%") ? .caseInsensitive : [])
        }
    }
}
