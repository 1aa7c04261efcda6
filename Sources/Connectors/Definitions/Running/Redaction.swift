import Foundation
import HTTPClient

/// Hides what may not be shown in texts that show requests: secrets, tokens, and whatever signs a request.
struct Redaction: Sendable {
    /// The longest first, so that one that holds another is hidden whole.
    private let hidden: [String]

    init(_ secrets: some Sequence<String>) {
        var all: Set<String> = []
        for secret in secrets where !secret.isEmpty {
            all.insert(secret)
            all.insert(PercentEncoding.queryComponent(secret))
        }
        // Base64 of user and password, which an echoed `Authorization` shows.
        for secret in secrets where secret.hasPrefix("Basic ") { all.insert(String(secret.dropFirst(6))) }
        hidden = all.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    func callAsFunction(_ text: String) -> String {
        // Percent-encoding is the same in either case of its digits (RFC 3986 section 2.1).
        hidden.reduce(text) { text, secret in
            text.replacingOccurrences(of: secret, with: "***", options: secret.contains("%") ? .caseInsensitive : [])
        }
    }
}
