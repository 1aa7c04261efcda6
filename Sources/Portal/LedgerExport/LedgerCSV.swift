import Foundation
import Store

/// A run's ledger as CSV (RFC 4180): a header, CRLF line ends, UTF-8.
enum LedgerCSV {
    static let header = line([
        "position", "account_id", "account_name", "service_id", "service_name", "basis", "basis_version", "raw_count", "sent_count",
        "state",
        "attempts", "http_status", "message", "intent_at", "outcome_at",
    ])

    static func line(_ usage: UsageLine) -> String {
        line([
            "\(usage.position)", usage.accountID, usage.accountName, usage.serviceID, usage.serviceName,
            usage.basis?.name ?? "", usage.basis.map { "\($0.version)" } ?? "",
            "\(usage.rawCount)", usage.sentCount.map { "\($0)" } ?? "", usage.state.rawValue, "\(usage.attempts)",
            usage.httpStatus.map { "\($0)" } ?? "", usage.message ?? "", usage.intentAt.map(LocalTime.machine) ?? "",
            usage.outcomeAt.map(LocalTime.machine) ?? "",
        ])
    }

    static func line(_ cells: [String]) -> String {
        cells.map(cell).joined(separator: ",") + "\r\n"
    }

    /// Quoted where RFC 4180 asks for it, and harmless to a spreadsheet: a text that one would run as a formula gets an
    /// apostrophe in front (OWASP, CSV injection; full-width signs count as signs in East Asian settings). Plain numbers, negative ones too, stay numbers.
    static func cell(_ text: String) -> String {
        var text = text
        // Scalars, not Characters: "=" and an accent after it are one Character, and CR LF another.
        if let first = text.unicodeScalars.first, formulaStarts.contains(first), !isPlainNumber(text) {
            text = "'" + text
        }
        guard text.unicodeScalars.contains(where: quoted.contains) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    private static let formulaStarts: Set<Unicode.Scalar> = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]
    private static let quoted: Set<Unicode.Scalar> = ["\"", ",", "\r", "\n"]

    private static func isPlainNumber(_ text: String) -> Bool {
        var digits = text.utf8[...]
        if digits.first == UInt8(ascii: "-") { digits.removeFirst() }
        let parts = digits.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
    }
}
