import Foundation
import Integration
import Store

/// What the partner still has to map in Synthesize.
struct ToDoListView: Sendable, Hashable {
    var sentence: String
    var accounts: NameListView?
    var services: NameListView?
    var mappingURL: String

    /// Nil when nothing waits for the partner.
    init?(_ list: NotMappedList, mappingURL: String) {
        guard !list.isEmpty else { return nil }
        sentence =
            list.counts > 0
            ? "\(Wording.count(list.counts, "count")) could not be taken in the last sync, because Synthesize does not know where "
                + "\(list.counts == 1 ? "it belongs" : "they belong"). Map these there; the next sync brings the counts."
            : "Synthesize does not know yet where these belong. Map them there; the next sync brings their counts."
        accounts = NameListView("account", list.accounts.map(\.name))
        services = NameListView("service", list.services.map(\.name))
        self.mappingURL = mappingURL
    }
}

/// Names, of which only the first are shown at once.
struct NameListView: Sendable, Hashable {
    var headline: String
    var shown: [String]
    var folded: [String]
    var foldedText: String

    private static let shownAtOnce = 8

    /// Nil when there are none.
    init?(_ kind: String, _ names: [String]) {
        guard !names.isEmpty else { return nil }
        headline = Wording.count(names.count, kind)
        // One name more than fits is shown too: a fold that hides a single line saves nothing.
        let cut = names.count <= Self.shownAtOnce + 1 ? names.count : Self.shownAtOnce
        shown = Array(names.prefix(cut))
        folded = Array(names.dropFirst(cut))
        foldedText = "Show \(Wording.number(folded.count)) more"
    }
}

/// Counts that were sent before and are now gone or zero, and that nobody has sent as zero yet.
struct ZerosView: Sendable, Hashable {
    var sentence: String
    var rows: [Row]
    var moreText: String
    /// The sync that listed them.
    var run: String
    var canSend: Bool

    struct Row: Sendable, Hashable {
        var account: String
        var service: String
    }

    private static let shownAtOnce = 10

    /// Nil when there is nothing to tell.
    init?(_ lines: [UsageLine], canSend: Bool) {
        guard let first = lines.first else { return nil }
        run = first.runID.rawValue
        sentence =
            "The vendor no longer reports \(lines.count == 1 ? "a count" : "\(Wording.number(lines.count)) counts") that "
            + "Synthesize still has. Nothing was sent for \(lines.count == 1 ? "it" : "them"), because a gap in the data is not "
            + "always the truth. If \(lines.count == 1 ? "it is" : "they are") really gone, send "
            + "\(lines.count == 1 ? "a zero" : "zeros")."
        let small = lines.count { $0.rawCount > 0 }
        if small > 0 {
            sentence +=
                " \(Wording.count(small, "count")) of these \(small == 1 ? "is" : "are") there but below 1, and those are not sent, as Gradient "
                + "asks."
        }
        rows = lines.prefix(Self.shownAtOnce).map { Row(account: $0.accountName, service: $0.serviceName) }
        moreText = lines.count > Self.shownAtOnce ? "and \(Wording.number(lines.count - Self.shownAtOnce)) more" : ""
        self.canSend = canSend
    }
}
