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
        hidden = all.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    func callAsFunction(_ text: String) -> String {
        hidden.reduce(text) { $0.replacing($1, with: "***") }
    }
}
