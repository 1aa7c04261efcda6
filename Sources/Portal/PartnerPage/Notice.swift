/// What a page says about the thing just done. It travels in the address as a word, so that no text from outside is ever shown.
enum Notice: String, Sendable, CaseIterable {
    case connecting
    case enabling
    case disabled
    case disabledUntold = "disabled-untold"
    case keyForgotten = "key-forgotten"
    case syncStarted = "sync-started"
    case syncRunning = "sync-running"
    case zerosStarted = "zeros-started"
    case alertSent = "alert-sent"
    case scheduleSaved = "schedule-saved"

    /// The query's name of it.
    static let queryName = "done"

    var text: String {
        switch self {
        case .connecting: "Synthesize accepted the key and it is stored."
        case .enabling: "Enabled again, with the stored key."
        case .disabled: "Disabled. Nothing is sent any more; the key is kept."
        case .disabledUntold:
            "Disabled. Nothing is sent any more; the key is kept. Synthesize could not be told, so it may still show the "
                + "integration as before."
        case .keyForgotten: "The key was deleted. Your history is kept."
        case .syncStarted: "The sync has started."
        case .syncRunning: "A sync was running already; this is the one."
        case .zerosStarted: "The zeros are being sent."
        case .alertSent: "The test alert is on its way."
        case .scheduleSaved: "The schedule is saved."
        }
    }

    /// Where the browser goes to read it.
    var location: String { "/?\(Self.queryName)=\(rawValue)" }
}
