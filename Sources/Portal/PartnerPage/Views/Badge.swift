import Store

/// A state in one word, with its colour.
struct BadgeView: Sendable, Hashable {
    enum Tone: String, Sendable {
        case good, waiting, bad, quiet
    }

    var word: String
    /// A class of the style sheet.
    var tone: String

    init(_ word: String, _ tone: Tone) {
        self.word = word
        self.tone = tone.rawValue
    }

    init(_ state: RunState) {
        switch state {
        case .queued: self.init("Waiting", .waiting)
        case .running: self.init("Running", .waiting)
        case .succeeded: self.init("Succeeded", .good)
        case .partial: self.init("Partial", .bad)
        case .failed: self.init("Failed", .bad)
        case .cancelled: self.init("Cancelled", .quiet)
        case .held: self.init("Held", .waiting)
        }
    }

    init(_ state: UsageLineState) {
        switch state {
        case .excluded: self.init("Left out", .quiet)
        case .droppedToZero: self.init("Dropped to zero", .waiting)
        case .planned, .sending: self.init("Waiting", .waiting)
        case .accepted: self.init("Accepted", .good)
        case .notMapped: self.init("Not mapped", .waiting)
        case .rejected: self.init("Rejected", .bad)
        case .failed: self.init("Failed", .bad)
        case .notSent: self.init("Not sent", .quiet)
        }
    }
}
