import Foundation
import Integration

/// A line that shows how far a sync is; redrawn in place on a terminal, and not at all elsewhere.
struct ProgressBar {
    private static let width = 30
    private let isShown = Console.errorIsTerminal

    func draw(_ progress: RunProgress) {
        guard isShown else { return }
        FileHandle.standardError.write(Data(("\r\u{1B}[K" + Self.line(progress)).utf8))
    }

    func clear() {
        guard isShown else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }

    /// For instance `usage  [##########----------]  120/240  95/s  2 s left`.
    static func line(_ progress: RunProgress) -> String {
        guard progress.total > 0 else { return "\(progress.stage.rawValue) ..." }
        let filled = width * progress.settled / progress.total
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        let rate = progress.rate > 0 ? "  \(Int(progress.rate.rounded()))/s" : ""
        let left = progress.secondsLeft.map { "  \($0) s left" } ?? ""
        return "\(progress.stage.rawValue)  [\(bar)]  \(progress.settled)/\(progress.total)\(rate)\(left)"
    }
}
