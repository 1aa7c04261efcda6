import Connectors
import Foundation
import Integration

/// A preview as lines of text, for people and for `cut`.
enum PreviewLine {
    /// For instance `c1, Brightwater Law, SaaS Alerts Billable Users, 5, 7, changed`, with tabs between; `-` for never accepted.
    static func text(_ line: UsagePreview.Line) -> String {
        [
            line.accountID, line.accountName, line.serviceName, line.lastCount.map { "\($0)" } ?? "-", "\(line.rawCount)",
            line.change.rawValue,
        ].map(\.onOneLine).joined(separator: "\t")
    }

    static func summary(_ preview: UsagePreview) -> String {
        let parts = UsagePreview.Change.allCases.map { "\(preview.count($0)) \($0.rawValue)" }
        return parts.joined(separator: ", ") + "; \(preview.unitsBefore) units accepted before, \(preview.unitsNow) now"
    }
}
